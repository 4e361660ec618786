using System.IO.Pipelines;
using System.Text.Json;
using Gatehouse.LogSink.Chain;
using Gatehouse.LogSink.Query;
using Gatehouse.LogSink.Store;
using Gatehouse.Record.Export;

namespace Gatehouse.LogSink.Export;

/// <summary>
/// Writes records as a file that verifies by itself (see <see cref="ExportHeader"/>). Every record of the range is verified on the way, also those that are
/// left out: the sink signs only what it found as it was.
/// </summary>
internal sealed class RecordExport(EventStore store, TimeProvider time)
{
    /// <summary>Records read at a time, so that neither memory nor the database waits for a slow reader.</summary>
    private const int Page = 500;

    /// <summary>Writes the export, and a last line that says so when it can not be whole.</summary>
    /// <param name="to">Where; completed by the caller.</param>
    /// <param name="range">Which records.</param>
    /// <param name="session">Only this session's; null for all.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>What is wrong with the record, or null.</returns>
    public async Task<string?> WriteAsync(PipeWriter to, ExportRange range, string? session, CancellationToken cancellationToken)
    {
        using var walk = new ExportWalk(store, range);
        using var digest = new ExportDigest();
        using var lines = new EventLineWriter();
        var header = new ExportHeader(ExportHeader.Version, Convert.ToHexStringLower(walk.Genesis), Convert.ToBase64String(store.Key.PublicKey), time.GetUtcNow(), session);
        Line(to, JsonSerializer.SerializeToUtf8Bytes(header, ExportJson.Default.ExportHeader));
        var (records, last) = (0L, 0L);
        while (!walk.IsOver)
        {
            cancellationToken.ThrowIfCancellationRequested();
            foreach (var (row, previous) in walk.Next(Page))
            {
                if (session is not null && row.Session != session)
                    continue;
                lines.Write(to, row, last, previous);
                Line(to, []);
                digest.Add(row.Sequence, row.Hash);
                (records, last) = (records + 1, row.Sequence);
            }

            await to.FlushAsync(cancellationToken);
        }

        if (walk.Problem is null)
        {
            var sum = digest.Finish();
            var end = new ExportEnd(records, range.From, range.Through, last, Convert.ToHexStringLower(sum), "");
            var signature = store.Key.Sign(ExportSeal.Message(walk.Genesis, header, end, sum));
            Line(to, JsonSerializer.SerializeToUtf8Bytes(end with { Signature = Convert.ToBase64String(signature) }, ExportJson.Default.ExportEnd));
        }
        else
        {
            Line(to, JsonSerializer.SerializeToUtf8Bytes(new ExportFailure(walk.Problem), ExportJson.Default.ExportFailure));
        }

        await to.FlushAsync(cancellationToken);
        return walk.Problem;
    }

    private static void Line(PipeWriter to, ReadOnlySpan<byte> json)
    {
        var line = to.GetSpan(json.Length + 1);
        json.CopyTo(line);
        line[json.Length] = (byte)'\n';
        to.Advance(json.Length + 1);
    }
}

/// <param name="From">The first record that is looked at.</param>
/// <param name="Through">The last one.</param>
internal sealed record ExportRange(long From, long Through)
{
    /// <summary>Everything that is here, or what a session's records span; null when there are none.</summary>
    public static ExportRange? Find(EventStore store, string? session)
    {
        using var connection = store.Database.OpenReader();
        var head = store.Head.Sequence;
        using var command = connection.CreateCommand();
        command.CommandText = session is null
            ? "SELECT min(sequence), max(sequence) FROM events WHERE sequence <= $head"
            : "SELECT min(sequence), max(sequence) FROM events WHERE session = $session AND sequence <= $head";
        command.Parameters.AddWithValue("$head", head);
        if (session is not null)
            command.Parameters.AddWithValue("$session", session);
        using var reader = command.ExecuteReader();
        if (!reader.Read() || reader.IsDBNull(0))
            return null;
        // All: from the floor on, so that what is missing there is found missing.
        return new(session is null ? SegmentTable.Floor(connection).Sequence + 1 : reader.GetInt64(0), reader.GetInt64(1));
    }
}
