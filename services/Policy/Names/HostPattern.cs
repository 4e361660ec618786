namespace Gatehouse.Policy.Names;

/// <summary>An exact host name, or <c>*.suffix</c>: one or more labels below the suffix, never the suffix itself.</summary>
public readonly record struct HostPattern(DomainName Name, bool IsWildcard)
{
    /// <summary>Parses <c>api.example.com</c> or <c>*.example.com</c>. A star anywhere else is an invalid character.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out HostPattern pattern, out NameError error)
    {
        var isWildcard = text.StartsWith("*.", StringComparison.Ordinal);
        var isValid = DomainName.TryParse(isWildcard ? text[2..] : text, out var name, out error);
        pattern = new HostPattern(name, isWildcard);
        return isValid;
    }

    /// <summary>Matches on labels, never on string suffixes.</summary>
    public bool Matches(DomainName host)
    {
        if (!IsWildcard)
            return Name == host && host != default;
        string suffix = Name.Value, value = host.Value;
        return suffix.Length > 0
            && value.Length > suffix.Length + 1
            && value[^(suffix.Length + 1)] == '.'
            && value.EndsWith(suffix, StringComparison.Ordinal);
    }

    public override string ToString() => IsWildcard ? $"*.{Name}" : Name.Value;
}
