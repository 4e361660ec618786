using System.Globalization;
using System.Security.Cryptography;

namespace Gatehouse.Gate;

/// <summary>The name of one session: local time of its start and four random characters, <c>20261123-153012-k3f9</c>.</summary>
public readonly record struct SessionId
{
    private const int MaxLength = 40;

    private readonly string? _value;

    private SessionId(string value) => _value = value;

    public string Value => _value ?? "";

    public static SessionId Create(TimeProvider time) => new(
        time.GetLocalNow().ToString("yyyyMMdd-HHmmss-", CultureInfo.InvariantCulture)
        + RandomNumberGenerator.GetString("abcdefghijkmnpqrstuvwxyz23456789", 4));

    /// <summary>1–40 of <c>a–z 0–9 -</c>, not starting with a hyphen.</summary>
    public static bool TryParse(string? text, out SessionId id)
    {
        var valid = text is { Length: > 0 and <= MaxLength } && text[0] != '-'
            && text.All(character => char.IsAsciiLetterLower(character) || char.IsAsciiDigit(character) || character == '-');
        id = valid ? new(text!) : default;
        return valid;
    }

    public override string ToString() => Value;
}
