namespace Gatehouse.Policy.Names;

/// <summary>
/// A host name in its one canonical form: lower case, A-labels (RFC 5890), no trailing dot, at most 253 octets
/// (RFC 1035 §3.1), labels of 1–63 octets. Never an IP address in any spelling.
/// </summary>
public readonly record struct DomainName
{
    /// <summary>The longest name in presentation form without its trailing dot, in octets.</summary>
    public const int MaxLength = 253;

    private readonly string? _value;

    private DomainName(string value) => _value = value;

    /// <summary>The canonical text; empty only for <c>default</c>.</summary>
    public string Value => _value ?? "";

    /// <summary>Parses a host name as typed by a person or a program. Unicode is mapped by IDNA; a trailing dot is dropped.</summary>
    /// <returns>False, with the reason in <paramref name="error"/>, for anything that is not a host name.</returns>
    public static bool TryParse(ReadOnlySpan<char> text, out DomainName name, out NameError error) =>
        throw new NotImplementedException();

    /// <inheritdoc cref="TryParse(ReadOnlySpan{char}, out DomainName, out NameError)"/>
    public static bool TryParse(ReadOnlySpan<char> text, out DomainName name) => TryParse(text, out name, out _);

    public override string ToString() => Value;
}
