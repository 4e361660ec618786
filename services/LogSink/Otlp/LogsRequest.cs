using System.Globalization;
using Gatehouse.Policy.Events;

namespace Gatehouse.LogSink.Otlp;

/// <summary>
/// Records as an OTLP <c>ExportLogsServiceRequest</c> (opentelemetry-proto 1.x, <c>collector/logs/v1</c>, <c>logs/v1</c>, <c>common/v1</c>), with names of
/// the semantic conventions where they have one. <c>gatehouse.hash</c> and <c>gatehouse.sequence</c> let whoever holds the copy check it against the chain.
/// </summary>
internal sealed class LogsRequest(string instance, string version)
{
    // SeverityNumber: INFO and WARN.
    private const ulong Info = 9, Warn = 13;

    private readonly ProtoWriter _record = new();
    private readonly ProtoWriter _records = new();
    private readonly ProtoWriter _request = new();

    /// <summary>Bytes of the records so far.</summary>
    public int Length => _records.Length;

    public void Clear() => _records.Clear();

    public void Add(EventRow row)
    {
        _record.Clear();
        var denied = row.Verdict == "denied";
        var time = Nanoseconds(row.Ticks);
        _record.Time(1, time);
        _record.Number(2, denied ? Warn : Info);
        _record.Text(3, denied ? "WARN" : "INFO");
        _record.Message(5, $"{row.Verdict} {row.Gate} {row.Action} {row.Subject}", static (body, text) => body.Text(1, text));
        WriteAttributes(_record, row);
        if (row.TraceId is { Length: 32 } trace && trace.All(char.IsAsciiHexDigit))
            _record.Bytes(9, Convert.FromHexString(trace));
        _record.Time(11, time);
        _record.Text(12, $"gatehouse.{row.Gate}.{row.Action}");
        _records.Bytes(2, _record.Written.Span);
    }

    /// <summary>The request with what was added. Valid until the next call.</summary>
    public ReadOnlyMemory<byte> Finish()
    {
        _request.Clear();
        _request.Message(1, this, static (resourceLogs, self) =>
        {
            resourceLogs.Message(1, self, static (resource, self) => self.WriteResource(resource));
            resourceLogs.Message(2, self, static (scopeLogs, self) =>
            {
                scopeLogs.Message(1, self, static (scope, self) => self.WriteScope(scope));
                // Field 2 of ScopeLogs, each with its tag already.
                scopeLogs.Append(self._records.Written.Span);
            });
        });
        return _request.Written;
    }

    private static void WriteAttributes(ProtoWriter record, EventRow row)
    {
        Text("log.record.uid", row.Id.ToString());
        Text("session.id", row.Session);
        Number("gatehouse.sequence", row.Sequence);
        Text("gatehouse.hash", Convert.ToHexStringLower(row.Hash));
        Text("gatehouse.gate", row.Gate);
        Text("gatehouse.action", row.Action);
        Text("gatehouse.subject", row.Subject);
        Text("gatehouse.verdict", row.Verdict);
        Text("gatehouse.rule", row.Rule);
        Text("gatehouse.reason", row.Reason);
        Text("gatehouse.attempt", row.Attempt?.ToString());
        if (row.Attempt is not null || row.BytesSent > 0 || row.BytesReceived > 0)
        {
            Number("gatehouse.bytes.sent", row.BytesSent);
            Number("gatehouse.bytes.received", row.BytesReceived);
        }

        if (row.DurationMs > 0)
            record.Message(6, row.DurationMs / 1_000, static (pair, seconds) => { pair.Text(1, "gatehouse.duration"); pair.Message(2, seconds, static (any, value) => any.Double(4, value)); });
        foreach (var (name, value) in SubjectAttributes.Of(row.Gate, row.Action, row.Subject))
        {
            if (value is int number)
                Number(name, number);
            else
                Text(name, Convert.ToString(value, CultureInfo.InvariantCulture));
        }

        if (row.Detail is { } detail)
        {
            foreach (var (name, value) in DetailJson.Read(detail))
                Text("gatehouse.detail." + name, value);
        }

        void Text(string name, string? value)
        {
            if (value is not null)
                Attribute(record, 6, name, value);
        }

        void Number(string name, long value) =>
            record.Message(6, (name, value), static (pair, entry) =>
            {
                pair.Text(1, entry.name);
                pair.Message(2, entry.value, static (any, number) => any.Number(3, (ulong)number));
            });
    }

    private void WriteResource(ProtoWriter resource)
    {
        Attribute(resource, 1, "service.name", "gatehouse-log-sink");
        Attribute(resource, 1, "service.version", version);
        Attribute(resource, 1, "service.instance.id", instance);
        Attribute(resource, 1, "host.name", Environment.MachineName);
    }

    private void WriteScope(ProtoWriter scope)
    {
        scope.Text(1, "Gatehouse.Record");
        scope.Text(2, version);
    }

    private static void Attribute(ProtoWriter to, int field, string name, string value) =>
        to.Message(field, (name, value), static (pair, entry) =>
        {
            pair.Text(1, entry.name);
            pair.Message(2, entry.value, static (any, text) => any.Text(1, text));
        });

    private static ulong Nanoseconds(long ticks) => (ulong)Math.Max(0, ticks - DateTime.UnixEpoch.Ticks) * 100;
}
