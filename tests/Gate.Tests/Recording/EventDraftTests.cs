using System.Collections.Immutable;
using System.Text.Json;
using Gatehouse.Gate.Recording;
using Gatehouse.Policy;
using Gatehouse.Policy.Events;

namespace Gatehouse.Gate.Tests.Recording;

public sealed class EventDraftTests
{
    /// <summary>What the sink takes as one line: an event that it refused would be an attempt that is not in the record.</summary>
    private const int MostLine = 1024 * 1024;

    /// <summary>Each takes six bytes in the line.</summary>
    [Theory]
    [InlineData("w")]
    [InlineData("\u202e")]
    [InlineData("\e")]
    [InlineData("<")]
    [InlineData("\ud83d\ude42")]
    [InlineData("\ud83d")]
    public void Event_OfAMegabyteEachMember_IsCutToWhatTheSinkTakes(string text)
    {
        var megabyte = string.Concat(Enumerable.Repeat(text, 1024 * 1024));
        var bound = EventDraft.Bound(new BoundaryEvent
        {
            Id = Guid.CreateVersion7(),
            Time = TimeProvider.System.GetUtcNow(),
            Session = "s1",
            Gate = Boundary.Egress,
            Action = megabyte,
            Subject = megabyte,
            Verdict = VerdictKind.Denied,
            Rule = megabyte,
            Reason = megabyte,
            Detail = Enumerable.Range(0, 100).ToImmutableSortedDictionary(i => $"{i:000}{megabyte}", _ => megabyte, StringComparer.Ordinal),
        });
        Assert.InRange(bound.Subject.Length, 1_000, 2_048);
        Assert.InRange(bound.Rule!.Length, 1_000, 2_048);
        Assert.InRange(bound.Reason!.Length, 1_000, 4_096);
        Assert.InRange(bound.Action.Length, 32, 64);
        Assert.InRange(bound.Detail!.Count, 1, 32);
        Assert.All(bound.Detail, entry => Assert.True(entry.Key.Length is > 0 and <= 128 && entry.Value.Length is > 0 and <= 4_096));
        var line = JsonSerializer.SerializeToUtf8Bytes(bound, EventJson.Default.BoundaryEvent);
        Assert.InRange(line.Length, 1_000, MostLine);
    }
}
