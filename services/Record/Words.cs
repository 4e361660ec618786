using Gatehouse.Policy;
using Gatehouse.Policy.Events;

namespace Gatehouse.Record;

/// <summary>The wire's words for gates and verdicts, which are also what is stored and what filters take.</summary>
public static class Words
{
    private static readonly Dictionary<Boundary, string> s_gates = Enum.GetValues<Boundary>().ToDictionary(gate => gate, gate => gate.ToString().ToLowerInvariant());

    public static IEnumerable<string> Gates => s_gates.Values;

    public static IEnumerable<string> Verdicts { get; } = [Of(VerdictKind.Allowed), Of(VerdictKind.Denied)];

    public static string Of(Boundary gate) => s_gates[gate];

    public static string Of(VerdictKind verdict) => verdict == VerdictKind.Allowed ? "allowed" : "denied";
}
