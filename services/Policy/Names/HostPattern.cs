namespace Gatehouse.Policy.Names;

/// <summary>An exact host name, or <c>*.suffix</c>: one or more labels below the suffix, never the suffix itself.</summary>
public readonly record struct HostPattern(DomainName Name, bool IsWildcard)
{
    /// <summary>Parses <c>name</c> or <c>*.name</c>; a star anywhere else is an error.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out HostPattern pattern, out NameError error)
    {
        pattern = default;
        var wildcard = text.StartsWith("*.");
        if (!DomainName.TryParse(wildcard ? text[2..] : text, out var name, out error))
            return false;
        pattern = new(name, wildcard);
        return true;
    }

    /// <summary>Matches on labels, never on string suffixes.</summary>
    public bool Matches(DomainName host)
    {
        if (!IsWildcard)
            return host == Name;
        var (text, suffix) = (host.Value, Name.Value);
        return text.Length > suffix.Length + 1 && text[^(suffix.Length + 1)] == '.' && text.EndsWith(suffix, StringComparison.Ordinal);
    }

    public override string ToString() => IsWildcard ? $"*.{Name}" : Name.Value;
}
