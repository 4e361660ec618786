using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;
using System.Text.Json.Serialization;
using Gatehouse.LogSink.Store;
using Gatehouse.Policy;
using Gatehouse.Policy.Events;

namespace Gatehouse.LogSink.Ingest;

/// <summary>Reads a batch: one event a line (NDJSON), the last line with or without its end.</summary>
internal static class EventLines
{
    /// <summary>
    /// Room for an event with every member at its bound and every character escaped (six bytes): were an event within its bounds refused, an
    /// agent could keep an attempt out of the record by what it sends.
    /// </summary>
    public const int MostLine = 1024 * 1024;

    /// <summary>A full batch of events with long members; more comes in two.</summary>
    public const long MostBody = 8 * 1024 * 1024;

    /// <summary>The wire form and nothing else: no member unknown, twice, null or in another case, no number in quotes.</summary>
    private static readonly EventJson s_strict = new(Strict());

    public static async Task<LinesResult> ReadAsync(PipeReader body, CancellationToken cancellationToken)
    {
        var rows = new List<EventRow>();
        var taken = 0L;
        while (true)
        {
            var read = await body.ReadAsync(cancellationToken);
            var rest = read.Buffer;
            if (taken + rest.Length > MostBody)
            {
                body.AdvanceTo(rest.End);
                return LinesResult.TooMuch($"at most {MostBody} bytes a batch");
            }

            if (TakeLines(ref rest, read.IsCompleted, rows) is { } refused)
            {
                body.AdvanceTo(read.Buffer.End);
                return refused;
            }

            taken += read.Buffer.Length - rest.Length;
            body.AdvanceTo(rest.Start, rest.End);
            if (read.IsCompleted)
                return new(LinesStatus.Read, rows, "");
        }
    }

    /// <returns>Why the batch is refused, or null.</returns>
    private static LinesResult? TakeLines(ref ReadOnlySequence<byte> rest, bool isLast, List<EventRow> rows)
    {
        while (TryReadLine(ref rest, isLast, out var line))
        {
            if (rows.Count == EventWriter.MostPerBatch)
                return LinesResult.TooMuch($"at most {EventWriter.MostPerBatch} events a batch");
            if (line.Length > MostLine)
                return LineTooLong(rows.Count);
            if (TryParse(line, out var row) is { } problem)
                return LinesResult.Malformed($"line {rows.Count + 1}: {problem}");
            rows.Add(row!);
        }

        return rest.Length > MostLine ? LineTooLong(rows.Count) : null;
    }

    private static LinesResult LineTooLong(int before) => LinesResult.TooMuch($"line {before + 1}: at most {MostLine} bytes a line");

    private static JsonSerializerOptions Strict()
    {
        var options = new JsonSerializerOptions(EventJson.Default.Options)
        {
            UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
            AllowDuplicateProperties = false,
            PropertyNameCaseInsensitive = false,
            NumberHandling = JsonNumberHandling.Strict,
            RespectNullableAnnotations = true,
            MaxDepth = 2,
        };
        // The first that can convert a type does.
        options.Converters.Insert(0, new WordConverter<Boundary>(Words.Of));
        options.Converters.Insert(0, new WordConverter<VerdictKind>(Words.Of));
        return options;
    }

    private static bool TryReadLine(ref ReadOnlySequence<byte> rest, bool isLast, out ReadOnlySequence<byte> line)
    {
        if (rest.PositionOf((byte)'\n') is { } end)
        {
            line = rest.Slice(0, end);
            rest = rest.Slice(rest.GetPosition(1, end));
            return true;
        }

        line = rest;
        if (!isLast || rest.IsEmpty)
            return false;
        rest = rest.Slice(rest.End);
        return true;
    }

    private static string? TryParse(in ReadOnlySequence<byte> line, out EventRow? row)
    {
        row = null;
        try
        {
            var reader = new Utf8JsonReader(line, new JsonReaderOptions { MaxDepth = s_strict.Options.MaxDepth });
            if (JsonSerializer.Deserialize(ref reader, s_strict.BoundaryEvent) is not { } each)
                return "an event is an object";
            if (reader.Read())
                return "one event a line";
            if (EventRules.Check(each) is { } problem)
                return problem;
            row = EventRow.From(each);
            return null;
        }
        catch (JsonException e)
        {
            return e.Message;
        }
    }
}

internal enum LinesStatus
{
    Read,
    Malformed,
    TooMuch,
}

internal readonly record struct LinesResult(LinesStatus Status, List<EventRow> Rows, string Problem)
{
    public static LinesResult Malformed(string problem) => new(LinesStatus.Malformed, [], problem);

    public static LinesResult TooMuch(string problem) => new(LinesStatus.TooMuch, [], problem);
}
