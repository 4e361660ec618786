using System.Globalization;
using System.Net;
using Gatehouse.Gate;
using Gatehouse.Gate.Recording;
using Gatehouse.Policy;

namespace Gatehouse.EgressProxy.Tap;

/// <summary>
/// Records packets that no gate answers: the first of each kind at once, its repeats within ten seconds as a count, and above a bound one count of
/// all the rest, so that a port scan is seen and does not drown the record. Used by one thread, which may wait for the name.
/// </summary>
internal sealed class PacketRecord(GateSession session, EventRecorder recorder, AnsweredPorts answered, int perSecond, TimeProvider time, Func<IPAddress, string?>? nameOf = null)
{
    /// <summary>When <see cref="Flush"/> is due after a packet was added.</summary>
    public static readonly TimeSpan Window = TimeSpan.FromSeconds(10);

    private const string Action = "packet";

    private static readonly TimeSpan s_second = TimeSpan.FromSeconds(1);

    private readonly Dictionary<SeenPacket, int> _repeats = [];
    private long _windowStart = time.GetTimestamp();
    private long _secondStart = time.GetTimestamp();
    private int _recorded;
    private int _uncounted;

    /// <summary>Whether something was seen that <see cref="Flush"/> has to forget or tell.</summary>
    public bool IsPending => _repeats.Count > 0 || _uncounted > 0;

    public void Add(SeenPacket packet)
    {
        Advance();
        // What a gate accepts it records itself.
        if (packet.Protocol == "tcp" && answered.Contains(packet.Destination, packet.Port))
            return;

        // The bound on events a second bounds the table too: only what was recorded is in it.
        if (_repeats.TryGetValue(packet, out var count))
            _repeats[packet] = count + 1;
        else if (TryRecord(packet, repeats: 0))
            _repeats.Add(packet, 0);
        else
            _uncounted++;
    }

    /// <summary>Packets that the kernel dropped because they came faster than they were read.</summary>
    public void AddUnread(int count)
    {
        Advance();
        _uncounted += count;
    }

    /// <summary>Records what was only counted: when a window is over, and at the session's end.</summary>
    public void Flush()
    {
        foreach (var (packet, repeats) in _repeats)
        {
            if (repeats > 0 && !TryRecord(packet, repeats))
                _uncounted += repeats;
        }

        _repeats.Clear();
        FlushUncounted();
        _windowStart = time.GetTimestamp();
    }

    private void Advance()
    {
        if (time.GetElapsedTime(_secondStart) >= s_second)
        {
            FlushUncounted();
            _secondStart = time.GetTimestamp();
            _recorded = 0;
        }

        if (time.GetElapsedTime(_windowStart) >= Window)
            Flush();
    }

    /// <returns>False when there were too many in this second.</returns>
    private bool TryRecord(SeenPacket packet, int repeats)
    {
        if (_recorded >= perSecond)
            return false;

        _recorded++;
        var name = packet.Protocol == "tcp" ? nameOf?.Invoke(packet.Destination) : null;
        recorder.TryRecord(session, Action, packet.Subject, Verdict.Deny(Reason(packet)), detail =>
        {
            detail["name"] = name;
            detail["repeats"] = repeats == 0 ? null : repeats.ToString(CultureInfo.InvariantCulture);
        });
        return true;
    }

    private void FlushUncounted()
    {
        if (_uncounted == 0)
            return;

        var count = _uncounted.ToString(CultureInfo.InvariantCulture);
        recorder.TryRecord(session, Action, $"{count} more packets", Verdict.Deny($"more than {perSecond} attempts in a second"),
            detail => detail["count"] = count);
        _uncounted = 0;
    }

    private static string Reason(SeenPacket packet) => packet.Protocol switch
    {
        "tcp" => $"no rule names port {packet.Port}",
        "udp" => "UDP has no way out: names are resolved by the gate, and QUIC falls back to TCP",
        "icmp" => "ICMP has no way out",
        _ => "this protocol has no way out",
    };
}
