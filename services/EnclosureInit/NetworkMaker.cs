using System.Runtime.InteropServices;
using System.Text;
using Gatehouse.AgentSandbox.Containers.Protocol;
using Gatehouse.AgentSandbox.Enclosure;
using Gatehouse.AgentSandbox.Native;
using static Gatehouse.AgentSandbox.Native.SystemCallException;

namespace Gatehouse.EnclosureInit;

/// <summary>
/// Runs in the network namespace of an agent's container, where it may administer: every address is made local, the gates' sockets are born, and the
/// container's first process is met; all of it is handed to the launcher.
/// </summary>
internal static unsafe class NetworkMaker
{
    /// <summary>Less than the launcher waits for an answer. Its tries are a millisecond apart, but a busy machine may start it late.</summary>
    private static readonly TimeSpan s_firstProcessWithin = TimeSpan.FromSeconds(20);

    /// <summary>From a helper container: the launcher's socket is mounted into it.</summary>
    public static int Run(string path)
    {
        var fd = Check(LibC.socket(1, LibC.SOCK_SEQPACKET | LibC.SOCK_CLOEXEC, 0), "make a socket");
        // struct sockaddr_un: family(2), path(108)
        var address = new byte[110];
        address[0] = 1;
        if (Encoding.UTF8.GetBytes(path, address.AsSpan(2, 107)) == 0)
            return 64;
        fixed (byte* data = address)
            Check(LibC.connect(fd, data, (uint)address.Length), $"connect to {path}");
        return Run(fd);
    }

    /// <summary>In the namespace of an enclosure that has its network already.</summary>
    public static int Serve(int launcher) => MakeConnections(launcher);

    public static int Run(int launcher)
    {
        try
        {
            var request = NetworkRequest.FromBytes(ControlChannel.Receive(launcher));
            LoopbackNetwork.Configure();
            // The first process is met before the tap is there: its knocking is no attempt of the agent's.
            var sockets = new List<int> { MeetFirstProcess() };
            sockets.InsertRange(0, request.Sockets.Select(SocketFactory.Create));
            ControlChannel.Send(launcher, [0], sockets);
            sockets.ForEach(socket => LibC.close(socket));
            return request.StaysForConnections ? MakeConnections(launcher) : 0;
        }
        catch (Exception e)
        {
            ControlChannel.Send(launcher, NetworkRequest.Refusal(e.Message), []);
            return 70;
        }
    }

    /// <summary>A socket belongs to the namespace it was made in; the launcher connects it where and when it wants.</summary>
    private static int MakeConnections(int launcher)
    {
        while (ControlChannel.Receive(launcher) is [var family, ..])
        {
            var socket = LibC.socket(family, LibC.SOCK_STREAM | LibC.SOCK_CLOEXEC, 0);
            if (socket < 0)
            {
                ControlChannel.Send(launcher, NetworkRequest.Refusal(new SystemCallException("make a socket", Marshal.GetLastPInvokeError()).Message), []);
                continue;
            }

            ControlChannel.Send(launcher, [0], [socket]);
            _ = LibC.close(socket);
        }

        return 0;
    }

    private static int MeetFirstProcess()
    {
        var door = Check(LibC.socket(LibC.AF_INET, LibC.SOCK_STREAM | LibC.SOCK_CLOEXEC, 0), "make a socket");
        try
        {
            InitCalls.WithAddress(SocketFactory.GateAddress, StartMessage.Port, (address, length) => Check(LibC.bind(door, address, length), "bind the start socket"));
            Check(LibC.listen(door, 1), "listen for the first process");
            if (!LibC.IsReadable(door, s_firstProcessWithin))
                throw new InvalidDataException($"the container's first process did not answer within {s_firstProcessWithin.TotalSeconds:0} seconds");
            return Check(LibC.accept4(door, null, null, LibC.SOCK_CLOEXEC), "accept the first process");
        }
        finally
        {
            _ = LibC.close(door);
        }
    }
}
