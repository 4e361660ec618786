using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Gatehouse.AgentSandbox.Containers;
using Gatehouse.AgentSandbox.Native;
using static Gatehouse.AgentSandbox.Native.SystemCallException;

namespace Gatehouse.AgentSandbox.Enclosure;

/// <summary>
/// The launcher's view of one enclosure: prepared (namespaces, sockets and mounts are there, nothing of the agent runs), started, ended. When this
/// process dies, however it dies, the kernel kills the keeper, and with it bubblewrap and everything in the agent's pid namespace.
/// </summary>
internal sealed unsafe class EnclosureProcess : AgentEnclosure
{
    private readonly SpawnedProcess _keeper;
    private NetworkEntry? _connections;
    private int _channel;

    private EnclosureProcess(SpawnedProcess keeper, int channel, ImmutableArray<int> sockets)
    {
        _keeper = keeper;
        _channel = channel;
        Sockets = sockets;
    }

    /// <summary>Call from the main thread.</summary>
    /// <exception cref="EnclosureException">The kernel, or a missing program, does not let it; the message says what to do.</exception>
    public static EnclosureProcess Prepare(EnclosureSpec spec)
    {
        var pair = stackalloc int[2];
        Check(LibC.socketpair(1, LibC.SOCK_SEQPACKET | LibC.SOCK_CLOEXEC, 0, pair), "make a socket pair");
        SpawnedProcess keeper;
        try
        {
            Check(LibC.fcntl(pair[1], LibC.F_SETFD, 0), "let the keeper inherit its socket");
            keeper = SpawnedProcess.Start(KeeperCommand(spec, pair[1]), KeeperEnvironment());
        }
        finally
        {
            _ = LibC.close(pair[1]);
        }

        var enclosure = new EnclosureProcess(keeper, pair[0], []);
        try
        {
            ControlChannel.Send(pair[0], JsonSerializer.SerializeToUtf8Bytes(spec, EnclosureJson.Default.EnclosureSpec), []);
            var message = ControlChannel.Receive(pair[0], out var sockets);
            enclosure.Sockets = [.. sockets];
            var reply = message.Length == 0 ? null : JsonSerializer.Deserialize(message, EnclosureJson.Default.KeeperReply);
            if (reply is { Ready: true } && sockets.Length == spec.Sockets.Length)
            {
                if (spec.Publishes)
                    enclosure._connections = NetworkEntry.Enter(keeper.Id, user: !spec.IsRoot, isMappedRoot: true, "connections");
                return enclosure;
            }

            throw new EnclosureException(reply?.Error
                ?? "the namespaces of the enclosure could not be made: are user namespaces allowed (sysctl user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns)?");
        }
        catch (Exception e)
        {
            enclosure.Dispose();
            if (e is EnclosureException)
                throw;
            throw new EnclosureException($"the enclosure could not be prepared: {e.Message}", e);
        }
    }

    public override bool SharesTerminal => true;

    public override void Start()
    {
        byte word = 1;
        Check(LibC.send(_channel, &word, 1, 0x4000), "start the agent");
    }

    public override int Wait(out bool ran)
    {
        var code = _keeper.Wait();
        ran = false;
        Span<byte> status = stackalloc byte[256];
        fixed (byte* data = status)
        {
            const int MSG_DONTWAIT = 0x40;
            nint length;
            while ((length = LibC.recv(_channel, data, (nuint)status.Length, MSG_DONTWAIT)) > 0)
                ran |= status[..(int)length].IndexOf("exit-code"u8) >= 0;
        }

        return code;
    }

    public override void Signal(int signal)
    {
        // keeper = bubblewrap's outer process → pid 1 inside → the agent's program.
        if (OnlyChild(_keeper.Id) is { } init && OnlyChild(init) is { } agent)
            _ = LibC.kill(agent, signal);
        else
            _keeper.Kill(9);
    }

    public override void Kill() => _keeper.Kill(9);

    public override int CreateSocket(bool isIPv6) => _connections?.CreateSocket(isIPv6) ?? throw new EnclosureException("nothing is published");

    public override void Dispose()
    {
        CloseSockets();
        _connections?.Dispose();
        if (Interlocked.Exchange(ref _channel, -1) is >= 0 and var channel)
        {
            _ = LibC.close(channel);
            _keeper.Kill(9);
            _keeper.Wait();
        }
    }

    private static int? OnlyChild(int process)
    {
        try
        {
            var children = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/task/{process}/children"));
            var end = children.IndexOf(' ', StringComparison.Ordinal);
            return end > 0 && int.TryParse(children.AsSpan(0, end), NumberStyles.None, CultureInfo.InvariantCulture, out var child) ? child : null;
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static List<string> KeeperCommand(EnclosureSpec spec, int channel)
    {
        List<string> command = [Programs.Unshare];
        if (!spec.IsRoot)
            command.AddRange(["--user", "--map-root-user"]);
        command.AddRange(["--net", "--mount", "--", Environment.ProcessPath!]);
        // Run by the dotnet host rather than compiled ahead of time.
        if (Path.GetFileName(Environment.ProcessPath) == "dotnet")
            command.Add(Path.Combine(AppContext.BaseDirectory, "gatehouse.dll"));
        command.AddRange([Keeper.Argument, $"{channel}", $"{Environment.ProcessId}"]);
        return command;
    }

    // /tmp is covered while the keeper runs: no diagnostics socket of the runtime there.
    private static IEnumerable<string> KeeperEnvironment() =>
        new[] { "PATH", "DOTNET_ROOT", "HOME" }.Where(name => Environment.GetEnvironmentVariable(name) is not null)
            .Select(name => $"{name}={Environment.GetEnvironmentVariable(name)}").Append("DOTNET_EnableDiagnostics=0");
}

/// <summary>An enclosure could not be made; the message goes to the person: what, why, what to do.</summary>
internal sealed class EnclosureException(string message, Exception? inner = null) : Exception(message, inner);
