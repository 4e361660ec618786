namespace Gatehouse.Policy.Names;

/// <summary>An exact host name, or <c>*.suffix</c>: one or more labels below the suffix, never the suffix itself.</summary>
public readonly record struct HostPattern(DomainName Name, bool IsWildcard)
{
    /// <summary>Matches on labels, never on string suffixes.</summary>
    public bool Matches(DomainName host) => throw new NotImplementedException();

    public override string ToString() => IsWildcard ? $"*.{Name}" : Name.Value;
}
