using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Gatehouse.Gate.Recording;
using Gatehouse.Policy;
using Gatehouse.Policy.Events;

namespace Gatehouse.Gate.Tests.Recording;

public sealed class EventLineTests
{
    [Fact]
    public void Line_OfAnyEvent_IsWhatTheSerializerWrites()
    {
        var plain = new BoundaryEvent
        {
            Id = Guid.CreateVersion7(),
            Time = new(2026, 11, 23, 15, 30, 12, 345, TimeSpan.FromHours(1)),
            Session = "s1",
            Gate = Boundary.Dns,
            Action = "query",
            Subject = "",
            Verdict = VerdictKind.Denied,
        };
        BoundaryEvent[] events =
        [
            plain,
            .. Enum.GetValues<Boundary>().Select(gate => plain with { Gate = gate }),
            plain with { Verdict = VerdictKind.Allowed, Subject = "\"<b>\u0001\e[2J å漢🙂 \u202e" + new string('x', 100_000), Rule = "egress.allow[2]", Reason = "\\" },
            plain with
            {
                BytesSent = 1L << 53, BytesReceived = 3, DurationMs = 0.125, TraceId = "0af7651916cd43dd8448eb211c80319c", Attempt = Guid.CreateVersion7(),
                Detail = ImmutableSortedDictionary<string, string>.Empty.Add("a\"\n", "\0").Add("b", ""),
            },
            plain with { Detail = ImmutableSortedDictionary<string, string>.Empty, DurationMs = 1e300 },
            plain,
        ];
        foreach (var each in events)
            Assert.Equal(JsonSerializer.Serialize(each, EventJson.Default.BoundaryEvent) + "\n", Encoding.UTF8.GetString(EventLine.Of(each)));
    }

    /// <summary>A gate that is killed the moment after an answer has the verdict in its spool.</summary>
    [Fact]
    public void Spool_WhenTryAppendReturns_HasTheLine()
    {
        var folder = Directory.CreateTempSubdirectory("spool-").FullName;
        try
        {
            using var spool = new SpoolFile(Path.Combine(folder, "egress.ndjson"), 1024 * 1024);
            Assert.True(spool.TryAppend("{}\n"u8));
            Assert.Equal("{}\n", SpoolContent.Read(Path.Combine(folder, "egress.ndjson")));
            spool.Dispose();
            Assert.False(spool.TryAppend("{}\n"u8)); // Late, and no error.
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
