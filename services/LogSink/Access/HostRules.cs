using System.Net;

namespace Gatehouse.LogSink.Access;

/// <summary>Under which names the sink may be addressed.</summary>
internal static class HostRules
{
    /// <summary>Only a name can be rebound to this machine by somebody else's DNS, so that a container may be addressed by any address of its own.</summary>
    public static bool IsOurs(HostString host, bool allowRemote)
    {
        var name = host.Host;
        return IPAddress.TryParse(name, out var address)
            ? allowRemote || IPAddress.IsLoopback(address)
            : name.Equals("localhost", StringComparison.OrdinalIgnoreCase) || name.Equals("log-sink", StringComparison.OrdinalIgnoreCase);
    }
}
