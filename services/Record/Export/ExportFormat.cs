using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Serialization;

namespace Gatehouse.Record.Export;

/// <summary>
/// An export: NDJSON of a header, records in order, and an end that the log sink signs after it has verified the chain under every record that it
/// exports. A record has two members more than elsewhere: <c>after</c>, the sequence of the exported record before it (0 for the first), and
/// <c>previous</c>, the hash of the record before it in the chain, so that each can be hashed by itself also where others were left out.
/// </summary>
/// <param name="Export">Version of this format: 1.</param>
/// <param name="Chain">The database's genesis value, 32 bytes in hexadecimal digits.</param>
/// <param name="PublicKey">Ed25519, 32 bytes in base64. Whoever wrote the file wrote this too: hold it against a copy from elsewhere.</param>
/// <param name="Time">When it was exported.</param>
/// <param name="Session">The only session whose records are in it; null for all.</param>
public sealed record ExportHeader(int Export, string Chain, string PublicKey, DateTimeOffset Time, string? Session = null)
{
    public const int Version = 1;
}

/// <summary>The last line.</summary>
/// <param name="Records">How many records stand above.</param>
/// <param name="From">Of the chain, the first record that was looked at.</param>
/// <param name="Through">The last one.</param>
/// <param name="Last">Sequence of the last record above; 0 when there is none.</param>
/// <param name="Digest">See <see cref="ExportDigest"/>, in hexadecimal digits.</param>
/// <param name="Signature">Ed25519 over <see cref="ExportSeal"/>, in base64.</param>
public sealed record ExportEnd(long Records, long From, long Through, long Last, string Digest, string Signature);

/// <summary>A last line that says that the export is not whole.</summary>
/// <param name="Failed">Why.</param>
public sealed record ExportFailure(string Failed);

/// <summary>SHA-256 over sequence (int64, big-endian) and hash (32 bytes) of every exported record in order.</summary>
public sealed class ExportDigest : IDisposable
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    public void Add(long sequence, ReadOnlySpan<byte> hash)
    {
        Span<byte> number = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(number, sequence);
        _hash.AppendData(number);
        _hash.AppendData(hash);
    }

    public byte[] Finish() => _hash.GetHashAndReset();

    public void Dispose() => _hash.Dispose();
}

/// <summary>
/// What is signed under an export:
/// <code>
/// "gatehouse export 1\n" · genesis (32) · ticks · records · from · through · last (int64 each, big-endian) · digest (32) · session (UTF-8, to the end; empty for all)
/// </code>
/// </summary>
public static class ExportSeal
{
    public static byte[] Message(ReadOnlySpan<byte> genesis, ExportHeader header, ExportEnd end, ReadOnlySpan<byte> digest) =>
    [
        .. SignedMessage.Of("gatehouse export 1\n"u8, genesis, [header.Time.UtcTicks, end.Records, end.From, end.Through, end.Last], digest),
        .. Encoding.UTF8.GetBytes(header.Session ?? ""),
    ];
}

/// <summary>The lines that are no records. Unknown and repeated members are refused: nothing unsigned stands in a file that is called whole.</summary>
[JsonSourceGenerationOptions(
    System.Text.Json.JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    AllowDuplicateProperties = false, PropertyNameCaseInsensitive = false, NumberHandling = JsonNumberHandling.Strict, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(ExportHeader))]
[JsonSerializable(typeof(ExportEnd))]
[JsonSerializable(typeof(ExportFailure))]
public sealed partial class ExportJson : JsonSerializerContext;
