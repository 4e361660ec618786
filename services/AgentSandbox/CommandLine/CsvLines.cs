using System.Text;
using Gatehouse.Record;
using Gatehouse.Record.Export;

namespace Gatehouse.AgentSandbox.CommandLine;

/// <summary>
/// Records as RFC 4180 lines. What an agent wrote must not become a formula of the spreadsheet that opens it (a field that begins with <c>= + - @</c> gets
/// an apostrophe), nor an escape sequence of a terminal that prints it (control and formatting characters are written as <c>\u{…}</c>).
/// </summary>
internal sealed class CsvLines
{
    private static readonly string[] s_names =
    [
        "sequence", "time", "session", "gate", "action", "subject", "verdict", "rule", "reason", "bytesSent", "bytesReceived", "durationMs", "traceId", "id", "attempt", "detail",
    ];

    private readonly Stream _to;
    private bool _hasHeader;

    public CsvLines(Stream to)
    {
        _to = to;
        Line(s_names);
    }

    /// <summary>Takes a line of an export; its first and last are no records.</summary>
    public void Write(ReadOnlyMemory<byte> line)
    {
        if (!_hasHeader || line.Span.StartsWith("{\"records\":"u8))
        {
            _hasHeader = true;
            return;
        }

        var row = ExportedRecord.Parse(line).Row;
        var detail = row.Detail is null ? "" : string.Join("; ", DetailJson.Read(row.Detail).Select(entry => $"{entry.Key}={entry.Value}"));
        Line(
            Number(row.Sequence), new DateTimeOffset(row.Ticks, TimeSpan.Zero).ToString("O"), row.Session, row.Gate, row.Action, row.Subject, row.Verdict, row.Rule ?? "", row.Reason ?? "",
            Number(row.BytesSent), Number(row.BytesReceived), FormattableString.Invariant($"{row.DurationMs}"), row.TraceId ?? "", row.Id.ToString(), row.Attempt?.ToString() ?? "", detail);
    }

    private static string Number(long number) => FormattableString.Invariant($"{number}");

    private void Line(params ReadOnlySpan<string> fields)
    {
        var line = new StringBuilder();
        foreach (var field in fields)
            line.Append(line.Length == 0 ? "" : ",").Append(Field(field));
        _to.Write(Encoding.UTF8.GetBytes(line.Append("\r\n").ToString()));
    }

    private static string Field(string text)
    {
        var safe = Printable.Line(text);
        // Spreadsheets pass over white space before a formula; some know the wide forms too.
        if (safe.AsSpan().TrimStart() is [var first, ..] && first is '=' or '+' or '-' or '@' or '\uff1d' or '\uff0b' or '\uff0d' or '\uff20' or '|' or '%')
            safe = "'" + safe;
        return safe.AsSpan().ContainsAny(',', '"', ' ') || safe.Contains('\'', StringComparison.Ordinal) ? $"\"{safe.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : safe;
    }
}
