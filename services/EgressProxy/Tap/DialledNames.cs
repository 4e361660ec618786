using System.Net;
using Gatehouse.EgressProxy.Doors;
using Gatehouse.Gate;

namespace Gatehouse.EgressProxy.Tap;

/// <summary>For the record: the name behind an address that a packet went to. Waits, on the tap's own thread, and never for long.</summary>
internal sealed class DialledNames(GateSession session, GateAddresses addresses, TimeProvider time)
{
    /// <summary>The resolver is on this machine and answers from a table; a busy machine may start it late.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    /// <summary>After silence: what is dialled meanwhile is recorded as an address.</summary>
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(5);

    private long? _silentSince;

    /// <returns>Null when there is none, or nobody says.</returns>
    public string? Find(IPAddress address)
    {
        // Only there are gate addresses: a scan of the internet asks nobody.
        if (address.GetAddressBytes() is not [198, 18 or 19, _, _] || (_silentSince is { } since && time.GetElapsedTime(since) < s_pause))
            return null;
        using var patience = new CancellationTokenSource(s_patience, time);
        try
        {
            var meaning = addresses.MeaningOfAsync(session, address, 0, patience.Token).GetAwaiter().GetResult();
            _silentSince = meaning is null ? time.GetTimestamp() : null;
            return meaning is { Host.Address: null } named ? named.Host.Name.Value : null;
        }
        catch (OperationCanceledException)
        {
            _silentSince = time.GetTimestamp();
            return null;
        }
    }
}
