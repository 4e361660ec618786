using System.Collections.Immutable;
using Gatehouse.LogSink.Asks;

namespace Gatehouse.LogSink.Console.Data;

/// <summary>
/// What waits, as one page shows it. An agent decides when its asks come and go: were the list to close up, it could hang up one just when a person is about to press
/// a button, and have the next one answered in its place. So a row stays where it is for a while after its ask is gone, new rows come at the end, and no answer
/// counts for a row that has not stood at its place for as long as a hand needs to stop.
/// </summary>
/// <remarks>Not for several threads at a time.</remarks>
internal sealed class AskRows(TimeProvider time)
{
    /// <summary>How long what became of an ask can be read.</summary>
    public static readonly TimeSpan Stays = TimeSpan.FromSeconds(8);

    /// <summary>From seeing something new to not pressing the button after all: twice what people need.</summary>
    public static readonly TimeSpan Settles = TimeSpan.FromMilliseconds(700);

    /// <summary>Rows of asks that are gone: an agent can ask and hang up as fast as it likes.</summary>
    private const int MostGone = 64;

    private List<AskRow> _rows = [];

    /// <summary>In the order in which they came.</summary>
    public IReadOnlyList<AskRow> Rows => _rows;

    /// <param name="waiting">What waits now, oldest first.</param>
    /// <param name="find">What is known of an ask that waits no more.</param>
    public void Take(ImmutableArray<Ask> waiting, Func<string, HeldAsk?> find)
    {
        var now = time.GetTimestamp();
        var ids = waiting.Select(ask => ask.Id).ToHashSet(StringComparer.Ordinal);
        foreach (var row in _rows.Where(row => row.Became is null && !ids.Contains(row.Ask.Id)))
            (row.Became, row.Gone) = (Words(find(row.Ask.Id)), now);
        var gone = _rows.Where(row => row.Became is not null).Reverse().OrderByDescending(row => row.Gone).ToList();
        var left = gone.Where((row, index) => index >= MostGone || time.GetElapsedTime(row.Gone, now) >= Stays).ToHashSet();
        var known = _rows.Select(row => row.Ask.Id).ToHashSet(StringComparer.Ordinal);
        _rows = [.. _rows.Where(row => !left.Contains(row)), .. waiting.Where(ask => !known.Contains(ask.Id)).Select(ask => new AskRow(ask))];
        foreach (var (index, row) in _rows.Index())
        {
            if (row.Place != index)
                (row.Place, row.Drawn) = (index, null);
        }
    }

    /// <summary>Something else on the page moves them.</summary>
    public void Moved()
    {
        foreach (var row in _rows)
            row.Drawn = null;
    }

    /// <summary>The browser has drawn them where they are.</summary>
    public void Drawn()
    {
        foreach (var row in _rows)
            row.Drawn ??= time.GetTimestamp();
    }

    /// <summary>Whether who answers can have meant this row.</summary>
    public bool IsSettled(AskRow row) => row.Drawn is { } drawn && time.GetElapsedTime(drawn) >= Settles;

    private static string Words(HeldAsk? held) => held switch
    {
        { IsWithdrawn: true } => "the agent hung up",
        { State: AskState.Allowed or AskState.Denied } => $"{held.State.ToString().ToLowerInvariant()} ({held.Scope.ToString().ToLowerInvariant()})",
        { State: AskState.Expired } => "no answer in time",
        _ => "gone",
    };
}

/// <summary>One ask on a page, for as long as it is shown.</summary>
internal sealed class AskRow(Ask ask)
{
    public Ask Ask => ask;

    /// <summary>What became of it; null while it waits.</summary>
    public string? Became { get; set; }

    /// <summary>An answer came before anybody can have read the question.</summary>
    public bool WasTooSoon { get; set; }

    internal long Gone { get; set; }

    internal int Place { get; set; } = -1;

    /// <summary>Timestamp of when the browser had drawn it there; null when it has not yet.</summary>
    internal long? Drawn { get; set; }
}
