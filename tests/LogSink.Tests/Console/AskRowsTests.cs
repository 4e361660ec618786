using System.Collections.Immutable;
using Gatehouse.LogSink.Asks;
using Gatehouse.LogSink.Console.Data;
using Microsoft.Extensions.Time.Testing;

namespace Gatehouse.LogSink.Tests.Console;

public sealed class AskRowsTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly Dictionary<string, HeldAsk> _held = [];
    private ImmutableArray<Ask> _waiting = [];
    private readonly AskRows _rows;

    public AskRowsTests() => _rows = new(_time);

    [Fact]
    public void Row_WhoseAskIsGone_StaysAtItsPlaceForAWhile()
    {
        Ask("a", "b");
        Go("a", AskState.Expired, isWithdrawn: true);
        Ask("c");
        Assert.Equal("a: the agent hung up, b, c", Shown());
        _time.Advance(AskRows.Stays - TimeSpan.FromTicks(1));
        Take();
        Assert.Equal("a: the agent hung up, b, c", Shown());
        _time.Advance(TimeSpan.FromTicks(1));
        Take();
        Assert.Equal("b, c", Shown());
    }

    [Theory]
    [InlineData(AskState.Allowed, false, "allowed (session)")]
    [InlineData(AskState.Denied, false, "denied (session)")]
    [InlineData(AskState.Expired, false, "no answer in time")]
    [InlineData(AskState.Expired, true, "the agent hung up")]
    public void Row_WhoseAskIsGone_SaysWhatBecameOfIt(object state, bool isWithdrawn, string words)
    {
        Ask("a");
        Go("a", (AskState)state, isWithdrawn);
        Assert.Equal($"a: {words}", Shown());
    }

    [Fact]
    public void Row_Drawn_SettlesAfterAMoment()
    {
        Ask("a");
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.False(_rows.IsSettled(_rows.Rows[0]));
        _rows.Drawn();
        _time.Advance(AskRows.Settles - TimeSpan.FromTicks(1));
        Assert.False(_rows.IsSettled(_rows.Rows[0]));
        _time.Advance(TimeSpan.FromTicks(1));
        Assert.True(_rows.IsSettled(_rows.Rows[0]));
    }

    [Fact]
    public void Row_ThatMoved_SettlesAnew()
    {
        Ask("a", "b");
        Settle();
        Go("a", AskState.Expired);
        Ask("c");
        Assert.True(_rows.IsSettled(_rows.Rows[1]));
        Assert.False(_rows.IsSettled(_rows.Rows[2]));
        _time.Advance(AskRows.Stays);
        Take();
        Assert.False(_rows.IsSettled(_rows.Rows[0]));
        Settle();
        Assert.True(_rows.IsSettled(_rows.Rows[0]));
        _rows.Moved();
        Assert.False(_rows.IsSettled(_rows.Rows[0]));
    }

    [Fact]
    public void Rows_OfAnAgentThatAsksAndHangsUp_AreBounded()
    {
        for (var i = 0; i < 1_000; i++)
        {
            Ask($"a{i}");
            Go($"a{i}", AskState.Expired, isWithdrawn: true);
        }

        Assert.Equal(64, _rows.Rows.Count);
        Assert.Equal("a999", _rows.Rows[^1].Ask.Id);
    }

    private void Ask(params string[] ids)
    {
        foreach (var id in ids)
        {
            var ask = new Ask(id, "s1", "egress", id, "h.example", 443, null, default, default);
            _held.Add(id, new(ask, TimeSpan.FromMinutes(1), TimeProvider.System));
            _waiting = _waiting.Add(ask);
        }

        Take();
    }

    private void Go(string id, AskState state, bool isWithdrawn = false)
    {
        _held[id].Decide(state, AskScope.Session, isWithdrawn);
        _waiting = _waiting.RemoveAll(ask => ask.Id == id);
        Take();
    }

    private void Settle()
    {
        _rows.Drawn();
        _time.Advance(AskRows.Settles);
    }

    private void Take() => _rows.Take(_waiting, id => _held.GetValueOrDefault(id));

    private string Shown() => string.Join(", ", _rows.Rows.Select(row => row.Ask.Id + (row.Became is null ? "" : $": {row.Became}")));
}
