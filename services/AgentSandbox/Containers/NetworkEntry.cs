using System.Text;
using Gatehouse.AgentSandbox.Containers.Protocol;
using Gatehouse.AgentSandbox.Enclosure;
using Gatehouse.AgentSandbox.Native;
using static Gatehouse.AgentSandbox.Native.SystemCallException;

namespace Gatehouse.AgentSandbox.Containers;

/// <summary>
/// A process of ours in an enclosure's network namespace, and the channel to it: <c>nsenter … gatehouse-init</c> where this user may enter,
/// else what a helper container runs.
/// </summary>
internal sealed unsafe class NetworkEntry : IDisposable
{
    private readonly SpawnedProcess? _process;
    private readonly Lock _requests = new();
    private int _channel;

    private NetworkEntry(SpawnedProcess? process, int channel) => (_process, _channel) = (process, channel);

    /// <summary>Enters the namespaces of a process. Call from the main thread.</summary>
    /// <param name="process">Its id.</param>
    /// <param name="user">Whether to become its user namespace's root: where this user is not root, it owns that namespace.</param>
    /// <param name="isMappedRoot">Whether this user is root there already: then its credentials stay, as such a namespace lets nobody set groups.</param>
    /// <param name="mode"><c>network</c> or <c>connections</c>.</param>
    public static NetworkEntry Enter(int process, bool user, bool isMappedRoot, string mode)
    {
        List<string> command = [Programs.Nsenter, "--target", $"{process}", "--net"];
        if (user)
            command.Add("--user");
        if (user && isMappedRoot)
            command.Add("--preserve-credentials");
        command.Add("--");
        return Start(command, mode);
    }

    /// <summary>In the namespace that this process is in itself. Call from the main thread.</summary>
    public static NetworkEntry Here() => Start([], "network");

    private static NetworkEntry Start(List<string> command, string mode)
    {
        var pair = stackalloc int[2];
        Check(LibC.socketpair(1, LibC.SOCK_SEQPACKET | LibC.SOCK_CLOEXEC, 0, pair), "make a socket pair");
        try
        {
            Check(LibC.fcntl(pair[1], LibC.F_SETFD, 0), "let a process inherit its socket");
            command.AddRange([InitProgram.Find(), mode, $"{pair[1]}"]);
            return new(SpawnedProcess.Start(command, ["PATH=/usr/bin:/bin"], newSession: true), pair[0]);
        }
        catch
        {
            _ = LibC.close(pair[0]);
            throw;
        }
        finally
        {
            _ = LibC.close(pair[1]);
        }
    }

    /// <summary>Takes over the connection of a process that somebody else started.</summary>
    public static NetworkEntry Over(int channel) => new(null, channel);

    /// <summary>Makes the network and all sockets.</summary>
    /// <returns>The sockets, in the order asked for, then the connection of the container's first process.</returns>
    /// <exception cref="EnclosureException">It could not.</exception>
    public int[] Make(NetworkRequest request)
    {
        ControlChannel.Send(_channel, request.ToBytes(), []);
        return Answer(request.Sockets.Count + 1);
    }

    /// <summary>One more TCP socket of the namespace. Thread-safe.</summary>
    /// <exception cref="EnclosureException">It could not.</exception>
    public int CreateSocket(bool isIPv6)
    {
        lock (_requests)
        {
            if (_channel < 0)
                throw new EnclosureException("the enclosure has ended");
            ControlChannel.Send(_channel, [(byte)(isIPv6 ? LibC.AF_INET6 : LibC.AF_INET)], []);
            return Answer(1)[0];
        }
    }

    /// <summary>Ends the process.</summary>
    public void Dispose()
    {
        lock (_requests)
        {
            if (_channel < 0)
                return;
            _ = LibC.close(_channel);
            _channel = -1;
        }

        _process?.Wait();
    }

    private int[] Answer(int count)
    {
        const int patience = 30_000;
        if (!LibC.IsReadable(_channel, TimeSpan.FromMilliseconds(patience)))
            throw new EnclosureException($"the enclosure's network was not made in {patience / 1000} s");
        var message = ControlChannel.Receive(_channel, out var sockets);
        if (message is [0] && sockets.Length == count)
            return sockets;
        foreach (var socket in sockets)
            _ = LibC.close(socket);
        throw new EnclosureException(message.Length == 0
            ? "the enclosure's network namespace could not be entered: does the engine run on this machine, and not in a virtual machine or elsewhere?"
            : $"the enclosure's network could not be made: {Encoding.UTF8.GetString(message)}");
    }
}
