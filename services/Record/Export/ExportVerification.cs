using System.Buffers;
using System.Security.Cryptography;
using System.Text.Json;

namespace Gatehouse.Record.Export;

/// <summary>
/// Reads an export line by line, in constant memory, and names the first record that is missing or not as it was. Needs nothing but the file; that it is this
/// log sink's, and not another's, only a public key from elsewhere shows.
/// </summary>
/// <param name="trusted">The log sink's public key as it is known from elsewhere, 32 bytes; null to take the file's own.</param>
public sealed class ExportVerification(byte[]? trusted) : IDisposable
{
    /// <summary>Longer is no line of ours: an event's line has at most a mebibyte, and its members here few more.</summary>
    public const int MostLine = 2 * 1024 * 1024;

    private static readonly SearchValues<char> s_digits = SearchValues.Create("0123456789abcdef");

    private readonly CanonicalForm _form = new();
    private readonly ExportDigest _digest = new();
    private byte[] _genesis = [];
    private byte[] _publicKey = [];
    private byte[]? _hash;
    private long _last;
    private bool _isOver;

    /// <summary>The first line; null before it was read.</summary>
    public ExportHeader? Header { get; private set; }

    /// <summary>Records found good.</summary>
    public long Records { get; private set; }

    /// <summary>The signed end; null while it was not reached.</summary>
    public ExportEnd? End { get; private set; }

    /// <summary>The key that the file names, or the trusted one.</summary>
    public ReadOnlySpan<byte> PublicKey => _publicKey;

    /// <summary>Takes a line, without its end.</summary>
    /// <returns>What is wrong, or null. After the first problem there is nothing more to learn.</returns>
    public string? Add(ReadOnlyMemory<byte> line)
    {
        if (line.Length > MostLine)
            return $"changed: a line has more than {MostLine} bytes";
        if (_isOver)
            return "added: something stands behind the end";
        if (Header is null)
            return Begin(line.Span);
        if (line.Span.StartsWith("{\"records\":"u8))
            return Finish(line.Span);
        return line.Span.StartsWith("{\"failed\":"u8) ? Failed(line.Span) : Take(line);
    }

    /// <summary>The file ended.</summary>
    public string? Complete() =>
        Header is null ? "the file is empty" : End is null ? $"truncated: the end is missing{(_last > 0 ? $", which follows record {_last} or a later one" : "")}" : null;

    private string? Begin(ReadOnlySpan<byte> line)
    {
        try
        {
            var header = JsonSerializer.Deserialize(line, ExportJson.Default.ExportHeader);
            if (header?.Export != ExportHeader.Version)
                return header is null ? "it is not an export" : $"it is an export of version {header.Export}, and this Gatehouse knows version {ExportHeader.Version}";
            (_genesis, _publicKey) = (Convert.FromHexString(header.Chain), Convert.FromBase64String(header.PublicKey));
            if (_genesis.Length != ChainHead.HashLength)
                return "it is not an export";
            if (trusted is not null && !CryptographicOperations.FixedTimeEquals(trusted, _publicKey))
                return $"it was exported by another log sink: its key is {header.PublicKey}, not {Convert.ToBase64String(trusted)}";
            Header = header;
            return null;
        }
        catch (Exception e) when (e is JsonException or FormatException)
        {
            return "it is not an export";
        }
    }

    private string? Take(ReadOnlyMemory<byte> line)
    {
        ExportedRecord record;
        try
        {
            record = ExportedRecord.Parse(line);
            var row = record.Row;
            var hash = _form.Hash(record.Previous, row.Sequence, row);
            if (!hash.AsSpan().SequenceEqual(row.Hash))
                return $"changed: the hash of record {row.Sequence} does not match";
        }
        catch (DamagedRecordException e)
        {
            return $"changed: the line after {(_last == 0 ? "the header" : $"record {_last}")}: {e.Message}";
        }

        var sequence = record.Row.Sequence;
        if (sequence <= _last)
            return $"reordered: record {sequence} stands behind record {_last}";
        if (record.After > _last)
            return Header!.Session is null && _last > 0 ? Missing(_last + 1, record.After) : $"missing: record {record.After}";
        if (record.After < _last)
            return $"added: record {_last}";
        if (_hash is not null && sequence == _last + 1 && !_hash.AsSpan().SequenceEqual(record.Previous))
            return $"changed: record {_last} is not the one that record {sequence} follows";
        if (Header!.Session is { } session && record.Row.Session != session)
            return $"added: record {sequence} is of another session";
        if (_hash is not null && Header.Session is null && sequence != _last + 1)
            return Missing(_last + 1, sequence - 1);
        _digest.Add(sequence, record.Row.Hash);
        (_last, _hash) = (sequence, record.Row.Hash);
        Records++;
        return null;
    }

    private string? Finish(ReadOnlySpan<byte> line)
    {
        _isOver = true;
        byte[] signature;
        ExportEnd end;
        try
        {
            end = JsonSerializer.Deserialize(line, ExportJson.Default.ExportEnd)!;
            signature = Convert.FromBase64String(end.Signature);
        }
        catch (Exception e) when (e is JsonException or FormatException)
        {
            return "changed: the end is not one that the log sink wrote";
        }

        var digest = _digest.Finish();
        if (!Ed25519Signature.Verify(_publicKey, ExportSeal.Message(_genesis, Header!, end, Convert.FromHexString(Digits(end.Digest))), signature))
            return "changed: the signature under the export does not match what it says";
        if (end.Last != _last)
            return end.Last > _last ? Missing(_last + 1, end.Last) : $"added: record {_last}";
        if (end.Records != Records)
            return $"missing: {end.Records} records were exported, {Records} are here";
        if (!Convert.ToHexStringLower(digest).Equals(end.Digest, StringComparison.Ordinal))
            return "changed: one record or more is not the one that was signed";
        End = end;
        return null;
    }

    private string Failed(ReadOnlySpan<byte> line)
    {
        _isOver = true;
        try
        {
            return "the log sink could not export: " + JsonSerializer.Deserialize(line, ExportJson.Default.ExportFailure)!.Failed;
        }
        catch (JsonException)
        {
            return "changed: the end is not one that the log sink wrote";
        }
    }

    // What is no digest is not the signed one either.
    private static string Digits(string digest) => digest.Length == 2 * ChainHead.HashLength && !digest.AsSpan().ContainsAnyExcept(s_digits) ? digest : "";

    private static string Missing(long from, long to) => from == to ? $"missing: record {from}" : $"missing: records {from} to {to}";

    public void Dispose() => _digest.Dispose();
}
