using Gatehouse.AgentSandbox.Containers;
using Gatehouse.AgentSandbox.Containers.Protocol;
using Gatehouse.AgentSandbox.Enclosure;

namespace Gatehouse.AgentSandbox.Composition;

/// <summary>
/// An enclosure that somebody else made: a container without a network, whose network namespace this process was started in (Compose:
/// <c>network_mode: service:agent</c>) and whose first process waits for the launcher.
/// </summary>
internal sealed class JoinedEnclosure : AgentEnclosure
{
    private const string Where = "in the agent's container";

    private readonly EnclosureSpec _spec;
    private readonly ContainerLease _lease;
    private bool _started;

    private JoinedEnclosure(EnclosureSpec spec, ContainerLease lease) => (_spec, _lease) = (spec, lease);

    public override bool SharesTerminal => false;

    /// <summary>Makes the network and the sockets of this namespace, and meets the first process. Call from the main thread.</summary>
    /// <exception cref="EnclosureException">It lacks CAP_NET_ADMIN, CAP_NET_RAW or CAP_NET_BIND_SERVICE, or no agent waits here.</exception>
    public static JoinedEnclosure Prepare(EnclosureSpec spec)
    {
        using var network = NetworkEntry.Here();
        var made = network.Make(new(spec.Sockets, StaysForConnections: false));
        return new(spec, new(made[^1])) { Sockets = [.. made[..^1]] };
    }

    public override void Start()
    {
        _lease.Start(new StartMessage(_spec.WorkingDirectory, _spec.Command, [.. _spec.Environment.Select(variable => $"{variable.Key}={variable.Value}")]), Where);
        _started = true;
    }

    public override int Wait(out bool ran)
    {
        ran = _started;
        while (!_lease.HasNews(TimeSpan.FromSeconds(10)))
        {
            // Its end comes by the same way as its exit code.
        }

        // Without a word: the engine, the kernel or a limit ended the container.
        return _lease.ReadEnd() ?? 128 + 9;
    }

    public override void Signal(int signal)
    {
        if (_started)
            _lease.Signal(signal);
        else
            _lease.Kill();
    }

    public override void Kill() => _lease.Kill();

    public override int CreateSocket(bool isIPv6) => throw new EnclosureException("nothing is published");

    public override void Dispose()
    {
        CloseSockets();
        _lease.Dispose();
    }
}
