using System.Net;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Gatehouse.SecretsGateway.Credentials;
using Gatehouse.SecretsGateway.Masking;
using Gatehouse.SecretsGateway.Tests.Support;

namespace Gatehouse.SecretsGateway.Tests.Masking;

/// <summary>A credential in every form that encoders make of it, alone, in the midst of other things, and in pieces.</summary>
public class CredentialFormsTests
{
    /// <summary>With each character that some encoder does not leave alone.</summary>
    private const string Odd = """p%41+/=&"<>'\_- \u002f~#;:secret""";

    public static TheoryData<string, string> Encodings
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (var credential in new[] { Policies.Key, Odd, "12345678", "========", "aaaaaaaaaaaaaaaa", "AbAbAbAbAbAbAbAc", "%2525%25", @"\\\\////" })
            {
                foreach (var name in s_encoders.Keys)
                    data.Add(credential, name);
            }

            return data;
        }
    }

    private static readonly Dictionary<string, Func<string, byte[]>> s_encoders = new()
    {
        ["plain"] = Ascii,
        ["UTF-16"] = Encoding.Unicode.GetBytes,
        ["UTF-16, big-endian"] = text => [.. Encoding.BigEndianUnicode.GetBytes(text), 0],
        ["UTF-32"] = Encoding.UTF32.GetBytes,
        ["percent, as URIs"] = text => Ascii(Uri.EscapeDataString(text)),
        ["percent, as forms"] = text => Ascii(WebUtility.UrlEncode(text)),
        ["percent, all of it"] = text => Ascii(string.Concat(text.Select(each => $"%{(int)each:x2}"))),
        ["percent, every other"] = text => Ascii(string.Concat(text.Select((each, i) => i % 2 == 0 ? $"%{(int)each:X2}" : each == '%' ? "%25" : $"{each}"))),
        ["JSON"] = text => Ascii(JsonSerializer.Serialize(text)),
        ["JSON, relaxed"] = text => Ascii(JsonSerializer.Serialize(text, s_relaxed)),
        ["JSON, slashes escaped"] = text => Ascii(JsonSerializer.Serialize(text, s_relaxed).Replace("/", "\\/", StringComparison.Ordinal)),
        ["JSON, all of it"] = text => Ascii(string.Concat(text.Select(each => $"\\u{(int)each:x4}"))),
        ["hexadecimal escapes"] = text => Ascii(string.Concat(text.Select(each => $"\\x{(int)each:X2}"))),
        ["HTML"] = text => Ascii(WebUtility.HtmlEncode(text)),
        ["HTML, JavaScript's"] = text => Ascii(HtmlEncoder.Default.Encode(text)),
        ["HTML, all of it"] = text => Ascii(string.Concat(text.Select(each => $"&#{(int)each};"))),
        ["HTML, with zeros"] = text => Ascii(string.Concat(text.Select(each => $"&#x{(int)each:X6};"))),
        ["quoted-printable"] = text => Ascii(string.Concat(text.Select(each => each == '=' || each > '~' || each < '!' ? $"={(int)each:X2}" : $"{each}"))),
        ["Base64"] = text => Ascii(Convert.ToBase64String(Ascii(text))),
        ["Base64, one before"] = text => Ascii(Convert.ToBase64String([1, .. Ascii(text), 2])),
        ["Base64, two before"] = text => Ascii(Convert.ToBase64String([255, 254, .. Ascii(text), 2, 3])),
        ["Base64, of a header"] = text => Ascii(Convert.ToBase64String(Ascii($"x-api-key: {text}\r\nHost: x"))),
        ["Base64, with lines"] = text => Ascii(Convert.ToBase64String([.. new byte[50], .. Ascii(text), .. new byte[50]], Base64FormattingOptions.InsertLineBreaks)),
        ["Base64, with lines, in JSON"] = text =>
            Ascii(JsonSerializer.Serialize(Convert.ToBase64String([.. new byte[50], .. Ascii(text), .. new byte[50]], Base64FormattingOptions.InsertLineBreaks))),
        ["Base64, URLs'"] = text => Ascii(System.Buffers.Text.Base64Url.EncodeToString(Ascii("?" + text))),
        ["Base64, percent"] = text => Ascii(Uri.EscapeDataString(Convert.ToBase64String(Ascii(text)))),
        ["hexadecimal"] = text => Ascii(Convert.ToHexString(Ascii(text))),
        ["hexadecimal, lower"] = text => Ascii(Convert.ToHexStringLower(Ascii(text))),
    };

    private static readonly Dictionary<string, Func<string, byte[]>> s_nested = new()
    {
        ["percent twice"] = text => Ascii(Uri.EscapeDataString(Uri.EscapeDataString(text))),
        ["percent thrice"] = text => Ascii(Uri.EscapeDataString(Uri.EscapeDataString(Uri.EscapeDataString(text)))),
        ["JSON in JSON"] = text => Ascii(JsonSerializer.Serialize(JsonSerializer.Serialize(text, s_relaxed).Replace("/", "\\/", StringComparison.Ordinal), s_relaxed)),
        ["JSON in JSON, both escaped"] = text => Ascii(JsonSerializer.Serialize(JsonSerializer.Serialize(text), s_relaxed)),
        ["HTML in HTML"] = text => Ascii(WebUtility.HtmlEncode(HtmlEncoder.Default.Encode(text))),
    };

    private static readonly JsonSerializerOptions s_relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    [Theory]
    [MemberData(nameof(Encodings))]
    public void Credential_Encoded_IsMaskedAndNothingElseIs(string credential, string encoding) => AssertMasked(credential, s_encoders[encoding](credential));

    [Theory]
    [InlineData("percent twice")]
    [InlineData("percent thrice")]
    [InlineData("JSON in JSON")]
    [InlineData("JSON in JSON, both escaped")]
    [InlineData("HTML in HTML")]
    public void Credential_EncodedAgain_IsMasked(string encoding) => AssertMasked(Policies.Key, s_nested[encoding](Policies.Key));

    [Fact]
    public void Credential_OfBasicAuthentication_IsFoundDecodedToo()
    {
        var credential = Convert.ToBase64String("robot-account:very-long-password"u8);
        AssertMasked(credential, "robot-account:very-long-password"u8.ToArray());
        AssertMasked(credential, "very-long-password"u8.ToArray());
        AssertMasked(credential.TrimEnd('='), "very-long-password"u8.ToArray());
        AssertMasked(credential, Ascii(credential));
        AssertMasked(credential, Ascii(Convert.ToBase64String("very-long-password"u8)));
    }

    /// <summary>Of two that begin alike the end decides.</summary>
    [Theory]
    [InlineData("sk-live-4f9Qz-REAL-KEY+/=012345678")]
    [InlineData("sk-live-4f9Qz-REAL-KEY+/=012345678x")]
    [InlineData("SK-LIVE-4F9QZ-REAL-KEY+/=0123456789")]
    [InlineData("k-live-4f9Qz-REAL-KEY+/=0123456789")]
    [InlineData("sk-live-4f9Qz-REAL-KEY%2B%2F=01234567%3")]
    [InlineData("{\"a\":\"\\u0073k-live\",\"b\":\"&amp;&#115;&lt;%25%73\\\\\"}")]
    public void Text_ThatIsNotTheCredential_IsLeftAlone(string text)
    {
        using var secret = SecretValue.TryCreate(Policies.Key, out _)!;
        foreach (var piece in new[] { 1, 3, text.Length })
            Assert.Equal(text, Encoding.ASCII.GetString(Pass(secret, Ascii(text), piece).Bytes));
        Assert.False(secret.IsIn(text));
    }

    [Fact]
    public void Credential_AgainAndAgain_IsMaskedEachTime()
    {
        using var secret = SecretValue.TryCreate(Policies.Key, out _)!;
        var text = string.Join("", Enumerable.Range(0, 100).Select(i => new string('s', i % 7) + Policies.Key));
        foreach (var piece in new[] { 1, 2, 13, 1000, 1 << 20 })
        {
            var (bytes, masked) = Pass(secret, Ascii(text), piece);
            Assert.Equal(text.Length, bytes.Length);
            Assert.Equal(100, masked);
            // Without the first that a piece ended with.
            Assert.DoesNotContain(Policies.Key[UndecidedTail.LeastHeld..], Encoding.ASCII.GetString(bytes), StringComparison.Ordinal);
        }
    }

    /// <summary>What comes is passed on at once, but for what may be the credential.</summary>
    [Theory]
    [InlineData("data: x\n\n", "data: x\n\n")]
    [InlineData("this ends with s", "this ends with s")]
    [InlineData("sk-", "sk-")]
    [InlineData("sk-l", "")]
    [InlineData("x sk-live-4f9Qz", "x ")]
    [InlineData("x sk-live-4f9Qx", "x sk-live-4f9Qx")]
    [InlineData("ends with \\", "ends with \\")]
    [InlineData("ends with %", "ends with %")]
    public async Task Piece_ThatMayGoOn_HoldsBackNoMoreThanThat(string piece, string passed)
    {
        using var secret = SecretValue.TryCreate(Policies.Key, out _)!;
        using var body = new MemoryStream();
        await using var stream = secret.Mask(body);
        await stream.WriteAsync(Ascii(piece));
        Assert.Equal(passed, Encoding.ASCII.GetString(body.ToArray()));
        await stream.CompleteAsync(default);
        Assert.Equal(piece, Encoding.ASCII.GetString(body.ToArray()));
    }

    [Theory]
    [InlineData("", 0)]
    [InlineData("1234567", 0)]
    [InlineData("12345678", 1)]
    public void Credential_ThatIsShort_IsNotSearchedFor(string credential, int masked)
    {
        using var secret = SecretValue.TryCreate(credential.Length == 0 ? "x" : credential, out _)!;
        Assert.Equal(masked == 0, secret.IsTooShortToMask());
        Assert.Equal(masked, Pass(secret, Ascii($"x {credential} y"), 100).Masked);
    }

    /// <summary>Made of the pieces of which credentials are made: it passes unchanged unless the credential is in it, however it is cut.</summary>
    [Fact]
    public void Anything_CutAnywhere_IsMaskedAlike()
    {
        var random = new Random(20261127);
        string[] parts = ["sk-", "live", "-4f9Qz", "sk-live-4f9Qz-REAL-KEY", "+/=0123456789", "%73", "\\u0073", "\\", "&#115;", "&amp;", "%25", "\0", "\r\n", "s", "736b", "c2st", "=", Policies.Key];
        using var secret = SecretValue.TryCreate(Policies.Key, out _)!;
        for (var round = 0; round < 2000; round++)
        {
            var text = Ascii(string.Concat(Enumerable.Range(0, random.Next(1, 40)).Select(_ => parts[random.Next(parts.Length)])));
            var whole = Pass(secret, text, text.Length);
            var cut = Pass(secret, text, random.Next(1, 9));
            Assert.Equal(whole.Masked, cut.Masked);
            Assert.Equal(text.Length, cut.Bytes.Length);
            Assert.DoesNotContain(Policies.Key, Encoding.ASCII.GetString(whole.Bytes), StringComparison.Ordinal);
            // A difference is a character that was passed on before its piece showed what it belongs to.
            for (var i = 0; i < text.Length; i++)
                Assert.True(cut.Bytes[i] == whole.Bytes[i] || cut.Bytes[i] == text[i], $"round {round} at {i}");
        }
    }

    private static void AssertMasked(string credential, byte[] encoded)
    {
        using var secret = SecretValue.TryCreate(credential, out _)!;
        byte[] before = [.. "{\"you sent\": \""u8], after = [.. "\", \"more\": 1}"u8];
        var (whole, masked) = Pass(secret, [.. before, .. encoded, .. after], 1 << 20);
        Assert.Equal(1, masked);
        Assert.Equal(before, whole[..before.Length]);
        Assert.Equal(after, whole[^after.Length..]);
        Assert.Equal(before.Length + encoded.Length + after.Length, whole.Length);
        var hidden = whole[before.Length..^after.Length].Zip(encoded).Count(pair => pair.First != pair.Second);
        Assert.True(hidden >= Math.Min(credential.Length, encoded.Length) * 3 / 4, $"{hidden} of {encoded.Length}");
        for (var piece = 1; piece < 12; piece++)
            Assert.Equal(1, Pass(secret, [.. before, .. encoded, .. after], piece).Masked);
        Assert.Equal(1, Pass(secret, encoded, 5).Masked);
        Assert.True(secret.IsIn(Encoding.Latin1.GetString(encoded)));
    }

    private static (byte[] Bytes, int Masked) Pass(SecretValue secret, byte[] text, int piece)
    {
        using var body = new MemoryStream();
        using var stream = secret.Mask(body);
        for (var at = 0; at < text.Length; at += piece)
            stream.WriteAsync(text.AsMemory(at, Math.Min(piece, text.Length - at))).AsTask().Wait();
        stream.CompleteAsync(default).AsTask().Wait();
        return (body.ToArray(), stream.Masked);
    }

    private static byte[] Ascii(string text) => Encoding.Latin1.GetBytes(text);
}
