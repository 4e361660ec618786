using System.Globalization;
using Gatehouse.Gate;
using Gatehouse.Gate.Recording;
using Gatehouse.Policy;

namespace Gatehouse.EgressProxy.Tap;

/// <summary>
/// Records packets that no gate answers: the first of each kind at once, its repeats as a count, and above a bound a count of all the rest, so that
/// a port scan is seen and does not drown the record.
/// </summary>
internal sealed class PacketRecord(GateSession session, EventRecorder recorder, IReadOnlySet<int> answered, int perSecond, TimeProvider time)
{
    private static readonly TimeSpan s_repeats = TimeSpan.FromSeconds(10), s_second = TimeSpan.FromSeconds(1);

    /// <summary>Kinds that are told apart within ten seconds.</summary>
    private const int MaxKinds = 20_000;

    private readonly Dictionary<SeenPacket, int> _seen = [];
    private long _window = time.GetTimestamp(), _second = time.GetTimestamp();
    private int _recorded, _suppressed;

    public void Add(SeenPacket packet)
    {
        Advance();
        // What a gate accepts it records itself.
        if (packet.Protocol == "tcp" && answered.Contains(packet.Port))
            return;
        if (_seen.TryGetValue(packet, out var count))
        {
            _seen[packet] = count + 1;
        }
        else if (_recorded >= perSecond || _seen.Count >= MaxKinds)
        {
            _suppressed++;
        }
        else
        {
            _seen.Add(packet, 0);
            _recorded++;
            recorder.TryRecord(session, "packet", packet.Subject, Verdict.Deny(Reason(packet)));
        }
    }

    /// <summary>Records what was only counted. Called when a window is over, and at the session's end.</summary>
    public void Flush()
    {
        foreach (var (packet, count) in _seen.Where(pair => pair.Value > 0))
        {
            recorder.TryRecord(session, "packet", packet.Subject, Verdict.Deny(Reason(packet)),
                detail => detail["repeats"] = count.ToString(CultureInfo.InvariantCulture));
        }

        _seen.Clear();
        FlushSuppressed();
        _window = time.GetTimestamp();
    }

    private void Advance()
    {
        if (time.GetElapsedTime(_second) >= s_second)
        {
            FlushSuppressed();
            _second = time.GetTimestamp();
            _recorded = 0;
        }

        if (time.GetElapsedTime(_window) >= s_repeats)
            Flush();
    }

    private void FlushSuppressed()
    {
        if (_suppressed == 0)
            return;
        var count = _suppressed.ToString(CultureInfo.InvariantCulture);
        recorder.TryRecord(session, "packet", $"{count} more packets", Verdict.Deny($"more than {perSecond} different attempts in a second"), detail => detail["count"] = count);
        _suppressed = 0;
    }

    private static string Reason(SeenPacket packet) => packet.Protocol switch
    {
        "tcp" => $"no rule names port {packet.Port}",
        "udp" => "UDP has no way out: names are resolved by the gate, and QUIC falls back to TCP",
        "icmp" => "ICMP has no way out",
        _ => "this protocol has no way out",
    };
}
