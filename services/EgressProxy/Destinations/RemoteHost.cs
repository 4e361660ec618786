using System.Net;
using Gatehouse.Policy.Names;

namespace Gatehouse.EgressProxy.Destinations;

/// <summary>A host as a client wrote it: a name, or an address in any spelling. Parsed once, at the edge; the default is neither.</summary>
internal readonly record struct RemoteHost
{
    private RemoteHost(DomainName name, IPAddress? address) => (Name, Address) = (name, address);

    /// <summary>Empty when it is an address.</summary>
    public DomainName Name { get; }

    public IPAddress? Address { get; }

    public static RemoteHost Of(DomainName name) => new(name, null);

    public static RemoteHost Of(IPAddress address) => new(default, address);

    /// <summary>ASCII only: on the wire a name is made of A-labels, and what IDNA maps onto another name is a disguise.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out RemoteHost host)
    {
        host = default;
        if (!System.Text.Ascii.IsValid(text))
            return false;

        // An address first: whatever some resolver would read as one is never a name.
        if (IpLiteral.TryParse(text, out var address))
            host = Of(address);
        else if (DomainName.TryParse(text, out var name))
            host = Of(name);
        else
            return false;

        return true;
    }

    public override string ToString() => Address?.ToString() ?? Name.Value;
}
