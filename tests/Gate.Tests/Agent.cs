using System.Net.Sockets;
using System.Text;
using Gatehouse.TestKit;

namespace Gatehouse.Gate.Tests;

/// <summary>What the tests' agents do and see.</summary>
internal static class Agent
{
    public const string DenyPolicy = "version: 1\nlogging: { whenUnavailable: deny }\n";
    public const string SpoolPolicy = "version: 1\nlogging: { whenUnavailable: spool }\n";

    /// <summary>Everything until the gate closes, or until a line is complete.</summary>
    public static async Task<string> ReadLineAsync(this Socket socket)
    {
        using var bound = new CancellationTokenSource(Eventually.Bound);
        var text = new StringBuilder();
        var one = new byte[1];
        while (await socket.ReceiveAsync(one, bound.Token) > 0 && one[0] != (byte)'\n')
            text.Append((char)one[0]);
        return text.ToString();
    }

    /// <summary>True when the connection is closed or reset.</summary>
    public static async Task<bool> IsClosedAsync(this Socket socket)
    {
        using var bound = new CancellationTokenSource(Eventually.Bound);
        try
        {
            return await socket.ReceiveAsync(new byte[1024], bound.Token) == 0;
        }
        catch (SocketException)
        {
            return true;
        }
    }

    /// <summary>True when nobody listens there.</summary>
    public static async Task<bool> IsRefusedAsync(this SessionSocket listener)
    {
        try
        {
            using var socket = await listener.DialAsync();
            return false;
        }
        catch (SocketException)
        {
            return true;
        }
    }
}
