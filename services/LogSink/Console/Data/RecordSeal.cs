using System.Globalization;

namespace Gatehouse.LogSink.Console.Data;

/// <summary>Whether all that the gates recorded of one session is stored: what each said at its end, beside what is here.</summary>
/// <param name="State">Of the worst gate.</param>
/// <param name="IsLive">The session runs: its gates have not said their last word.</param>
/// <param name="Gates">Those that seal.</param>
internal sealed record RecordSeal(SealState State, bool IsLive, IReadOnlyList<GateCount> Gates)
{
    /// <summary>A session is handed to all of these before its agent starts, and each of them seals; the launcher's own events are recorded by nobody else.</summary>
    private static readonly string[] s_gates = ["dns", "egress", "secrets"];

    public static RecordSeal Of(bool isLive, IEnumerable<GateCount> counted)
    {
        var found = counted.ToDictionary(gate => gate.Gate, StringComparer.Ordinal);
        List<GateCount> gates =
        [
            .. s_gates.Select(gate => found.GetValueOrDefault(gate) ?? new(gate, 0, null)),
            .. found.Values.Where(gate => !s_gates.Contains(gate.Gate) && gate.Sealed is not null),
        ];
        // A gate that was started anew has sealed once already: only the session's end says that this was the last.
        var state = !isLive && gates.Exists(gate => gate.Differs) ? SealState.Incomplete
            : isLive || gates.Exists(gate => gate.Sealed is null) ? SealState.Unsealed
            : SealState.Sealed;
        return new(state, isLive, gates);
    }

    public string Word => State.ToString().ToLowerInvariant();

    /// <summary>Something is not as it should be.</summary>
    public bool IsWrong => State == SealState.Incomplete || (State == SealState.Unsealed && !IsLive);

    public string What => State switch
    {
        SealState.Sealed => "Every gate said at the session's end how many events it recorded, and as many are stored.",
        SealState.Incomplete => string.Join(' ', Gates.Where(gate => gate.Differs).Select(gate => $"The {gate.Gate} gate recorded {Number(gate.Sealed!.Value)} {Events(gate.Sealed.Value)}, and {Number(gate.Records)} {(gate.Records == 1 ? "is" : "are")} stored.")),
        _ when IsLive => "The session runs. Its gates seal the record at its end.",
        _ => $"{Names(Gates.Where(gate => gate.Sealed is null).Select(gate => gate.Gate))} did not say how many events of it there were.",
    };

    public string Why => State switch
    {
        SealState.Sealed => "Nothing was lost between the gates and this record.",
        SealState.Incomplete when Gates.Any(gate => gate.Records < gate.Sealed) => "Events that a gate recorded did not get here, or were removed from the database. Some may still be on their way: a gate sends again what it could not deliver.",
        SealState.Incomplete => "Events were stored that the gate did not count: somebody who has the installation's token wrote them, or the gate was killed between an event and its count.",
        _ when IsLive => "Until then nobody can say whether something is missing.",
        _ => "A gate was killed before the session ended, or could not start; or the session ended a moment ago, and its last events are still on their way.",
    };

    public string ToDo => State switch
    {
        SealState.Sealed => "Whether a stored event was changed is for 'gatehouse log verify', or Verify on the page Health.",
        SealState.Incomplete => "Run 'gatehouse status', so that every gate is up and delivers what it kept, and look again. If it stays so, run 'gatehouse log verify', and take it that the agent did more than is shown here.",
        _ when IsLive => "Nothing.",
        _ => "Look again in some seconds. If it stays so, what the agent did in its last moments at that gate may be missing: see the end of the timeline, and 'gatehouse status'.",
    };

    private static string Events(long count) => count == 1 ? "event" : "events";

    private static string Names(IEnumerable<string> gates) => gates.ToList() switch
    {
        [var one] => $"The {one} gate",
        [.. var first, var last] => $"The {string.Join(", ", first)} and {last} gates",
        _ => "No gate",
    };

    private static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);
}

internal enum SealState
{
    Sealed,
    Incomplete,
    Unsealed,
}

/// <param name="Gate">Gate.</param>
/// <param name="Records">Events of it that are stored.</param>
/// <param name="Sealed">Events that it says it recorded; null while it has not said so.</param>
internal sealed record GateCount(string Gate, long Records, long? Sealed)
{
    public bool Differs => Sealed is { } count && count != Records;
}
