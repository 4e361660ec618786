using System.Diagnostics;
using System.Security.Cryptography;

namespace Gatehouse.SecretsGateway.Credentials;

/// <summary>A credential. It prints as <c>[secret]</c> wherever it lands by mistake, and is wiped when disposed as far as .NET allows.</summary>
[DebuggerDisplay("[secret]")]
internal sealed class SecretValue : IDisposable
{
    /// <summary>Longer than any token; a whole file named by mistake is refused.</summary>
    public const int MaxLength = 16 * 1024;

    private readonly char[] _value;

    private SecretValue(char[] value) => _value = value;

    /// <returns>Null when it is empty, too long, or can not stand in a header (RFC 9110 §5.5: no CR, LF, NUL or other controls).</returns>
    public static SecretValue? TryCreate(ReadOnlySpan<char> text)
    {
        if (text.Length is 0 or > MaxLength || text.ContainsAnyInRange('\0', '\u001f') || text.ContainsAnyExceptInRange('\0', '\u007e'))
            return null;
        // Pinned: the collector makes no copies that would outlive the wiping.
        var value = GC.AllocateUninitializedArray<char>(text.Length, pinned: true);
        text.CopyTo(value);
        return new(value);
    }

    /// <summary>The header's value. A string, since that is what HTTP clients take; it lives for one request.</summary>
    public string Inject(string template) => template.Replace("{secret}", new string(_value), StringComparison.Ordinal);

    /// <summary>Whether a text shows it.</summary>
    public bool IsIn(string text) => text.AsSpan().IndexOf(_value) >= 0;

    public void Dispose() => CryptographicOperations.ZeroMemory(System.Runtime.InteropServices.MemoryMarshal.AsBytes(_value.AsSpan()));

    public override string ToString() => "[secret]";
}
