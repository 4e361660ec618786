using System.Collections.Immutable;
using System.Text.Json;
using Gatehouse.Policy.Events;

namespace Gatehouse.Policy.Tests.Events;

public sealed class EventJsonTests
{
    private static readonly BoundaryEvent Event = new()
    {
        Id = Guid.Parse("0193a0b0-0000-7000-8000-000000000001"),
        Time = DateTimeOffset.UnixEpoch,
        Session = "s1",
        Gate = Boundary.Egress,
        Action = "connect",
        Subject = "api.example.com:443",
        Verdict = VerdictKind.Denied,
    };

    [Fact]
    public void Serialize_Event_IsOneLineWithWordsAndWithoutNulls() => Assert.Equal(
        """{"id":"0193a0b0-0000-7000-8000-000000000001","time":"1970-01-01T00:00:00+00:00","session":"s1","gate":"egress","action":"connect","subject":"api.example.com:443","verdict":"denied","bytesSent":0,"bytesReceived":0,"durationMs":0}""",
        JsonSerializer.Serialize(Event, EventJson.Default.BoundaryEvent));

    [Fact]
    public void Deserialize_WhatWasSerialized_IsTheSame()
    {
        var full = Event with
        {
            Verdict = VerdictKind.Allowed,
            Rule = "egress.allow[0] api.example.com",
            Attempt = Guid.Parse("0193a0b0-0000-7000-8000-000000000002"),
            Detail = ImmutableSortedDictionary<string, string>.Empty.Add("via", "connect"),
        };
        var again = JsonSerializer.Deserialize(JsonSerializer.Serialize(full, EventJson.Default.BoundaryEvent), EventJson.Default.BoundaryEvent)!;
        Assert.Equal(full, again with { Detail = full.Detail });
        Assert.Equal(full.Detail, again.Detail);
    }

    [Theory]
    [InlineData("\"gate\":1")]
    [InlineData("\"gate\":\"kitchen\"")]
    [InlineData("\"verdict\":1")]
    [InlineData("\"verdict\":\"1\"")]
    public void Deserialize_NumberOrUnknownWordForAnEnum_IsRefused(string member)
    {
        var name = member[..member.IndexOf(':', StringComparison.Ordinal)];
        var json = JsonSerializer.Serialize(Event, EventJson.Default.BoundaryEvent);
        var at = json.IndexOf(name, StringComparison.Ordinal);
        var bad = json[..at] + member + json[json.IndexOf(',', at)..];
        Assert.Throws<JsonException>(() => JsonSerializer.Deserialize(bad, EventJson.Default.BoundaryEvent));
    }

    [Fact]
    public void Verdict_Unset_Denies()
    {
        Assert.False(default(Verdict).IsAllowed);
        Assert.Equal(VerdictKind.Denied, default);
    }
}
