using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Gatehouse.SecretsGateway.Masking;

namespace Gatehouse.SecretsGateway.Credentials;

/// <summary>
/// A credential. It prints as <c>[secret]</c> wherever it lands by mistake, and is wiped when disposed as far as .NET allows.
/// </summary>
[DebuggerDisplay("[secret]")]
[JsonConverter(typeof(Redacting))]
internal sealed class SecretValue : IDisposable
{
    /// <summary>In characters. Longer than any token; a whole file named by mistake is refused.</summary>
    public const int MaxLength = 16 * 1024;

    private const string Redacted = "[secret]";

    [DebuggerBrowsable(DebuggerBrowsableState.Never)]
    private readonly char[] _value;

    private CredentialForms? _forms;

    private SecretValue(char[] value) => _value = value;

    /// <summary>As whatever an answer may show it. Made when asked for; wiped with it.</summary>
    [DebuggerBrowsable(DebuggerBrowsableState.Never)]
    private CredentialForms Forms => _forms ??= new(_value);

    /// <summary>Whether it is too short to be searched for in bodies, where it would be found by chance.</summary>
    public bool IsTooShortToMask() => Forms.IsEmpty;

    /// <param name="text">Printable ASCII, at least one and at most <see cref="MaxLength"/> characters.</param>
    /// <param name="error">Why it can not be used; shows nothing of it.</param>
    /// <returns>Null when it can not be used.</returns>
    public static SecretValue? TryCreate(ReadOnlySpan<char> text, out string error)
    {
        error = text.Length switch
        {
            0 => "is empty",
            > MaxLength => $"is longer than {MaxLength} characters",
            // RFC 9110 §5.5: a line break or NUL would end the header and begin another.
            _ when text.ContainsAny('\r', '\n', '\0') => "has a line break or NUL in it",
            _ when text.ContainsAnyExceptInRange(' ', '~') => "has a character that no header may have",
            _ => "",
        };
        if (error.Length > 0)
            return null;
        // Pinned: the collector makes no copies that would outlive the wiping.
        var value = GC.AllocateUninitializedArray<char>(text.Length, pinned: true);
        text.CopyTo(value);
        return new(value);
    }

    /// <summary>The header's value. A string, since that is what HTTP clients take; it lives for one request.</summary>
    public string Inject(string template)
    {
        var at = template.IndexOf("{secret}", StringComparison.Ordinal);
        return string.Concat(template.AsSpan(0, at), _value, template.AsSpan(at + "{secret}".Length));
    }

    /// <summary>Whether a text shows it: as it is or percent-encoded, and any way there is when it is not too short for that.</summary>
    public bool IsIn(ReadOnlySpan<char> text) =>
        text.IndexOf(_value) >= 0 || (text.Contains('%') && Uri.UnescapeDataString(text).AsSpan().IndexOf(_value) >= 0) || Forms.IsIn(text);

    /// <summary>What passes a body on without it.</summary>
    public MaskingStream Mask(Stream body) => new(body, Forms);

    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(_value.AsSpan()));
        _forms?.Dispose();
    }

    public override string ToString() => Redacted;

    private sealed class Redacting : JsonConverter<SecretValue>
    {
        public override SecretValue? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            throw new NotSupportedException("a credential is never in JSON");

        public override void Write(Utf8JsonWriter writer, SecretValue value, JsonSerializerOptions options) =>
            writer.WriteStringValue(Redacted);
    }
}
