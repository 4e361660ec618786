using System.Net.Sockets;

namespace Gatehouse.LogSink.Discovery;

/// <summary>Addresses of the form <c>http://unix:/path</c>, as Kestrel takes them.</summary>
internal static class UnixSocket
{
    private const string Prefix = "http://unix:";

    public static bool IsOne(string address) => address.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase);

    /// <summary>Removes what a killed sink left at the addresses it is to listen on: binding to a path that exists fails.</summary>
    /// <param name="urls">Separated by semicolons, as in <c>ASPNETCORE_URLS</c>.</param>
    public static void RemoveStale(string? urls)
    {
        foreach (var url in (urls ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (IsOne(url) && url[Prefix.Length..] is var path && File.Exists(path) && !IsListening(path))
                File.Delete(path);
        }
    }

    private static bool IsListening(string path)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
            return true;
        }
        catch (SocketException e)
        {
            // Something else stands there: not ours to remove.
            return e.SocketErrorCode != SocketError.ConnectionRefused;
        }
    }
}
