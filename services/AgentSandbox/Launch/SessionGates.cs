using System.Collections.Immutable;
using System.Net.Sockets;
using Gatehouse.Gate;
using Gatehouse.Gate.Handover;
using Gatehouse.Policy;
using Gatehouse.Policy.Secrets;

namespace Gatehouse.AgentSandbox.Launch;

/// <summary>The leases of one session: while they are open the gates serve it; closing them, by whatever end of this process, ends that.</summary>
internal sealed class SessionGates : IDisposable
{
    private readonly List<(string Gate, Socket Lease)> _leases = [];

    /// <summary>Hands each gate its sockets and waits until all say ready.</summary>
    /// <exception cref="LaunchException">A gate is not there or refuses.</exception>
    public static async Task<SessionGates> OpenAsync(
        RunDirectory run, string session, LoadedPolicy policy, string traceParent, ImmutableArray<SocketDescription> sockets, ImmutableArray<int> descriptors,
        CancellationToken cancellationToken)
    {
        var gates = new SessionGates();
        try
        {
            var opening = new[] { "dns", "egress", "secrets" }.Select(async gate =>
            {
                var mine = Enumerable.Range(0, sockets.Length).Where(i => GateOf(sockets[i].Purpose) == gate).ToList();
                var header = new SessionHeader
                {
                    Session = session,
                    Policy = policy.Path,
                    PolicySha256 = policy.Sha256,
                    TraceParent = traceParent,
                    Sockets = [.. mine.Select(i => sockets[i])],
                    Environment = gate == "secrets" ? SecretVariables(policy.Policy) : null,
                };
                var lease = await GateClient.OpenSessionAsync(run.GateSocket(gate), header, [.. mine.Select(i => descriptors[i])], cancellationToken, run.Owner);
                lock (gates._leases)
                    gates._leases.Add((gate, lease));
            });
            await Task.WhenAll(opening);
            return gates;
        }
        catch (GateUnavailableException e)
        {
            gates.Dispose();
            throw new LaunchException(ExitCodes.Unavailable, e.Message, e);
        }
        catch
        {
            gates.Dispose();
            throw;
        }
    }

    /// <summary>Tells the person when a gate is gone: what it guarded is closed from then on.</summary>
    public async Task WatchAsync(CancellationToken cancellationToken)
    {
        await Task.WhenAll(_leases.Select(async each =>
        {
            var nothing = new byte[1];
            try
            {
                while (await each.Lease.ReceiveAsync(nothing, SocketFlags.None, cancellationToken) > 0)
                {
                    // A gate has nothing more to say after 'ready'.
                }
            }
            catch (SocketException)
            {
                // Reset: gone as well.
            }

            if (!cancellationToken.IsCancellationRequested)
                Terminal.Say($"the {each.Gate} gate has ended: what it guards is closed to this session. End it and run it again to have it back.");
        }));
    }

    public void Dispose()
    {
        lock (_leases)
        {
            foreach (var (_, lease) in _leases)
                lease.Dispose();
            _leases.Clear();
        }
    }

    private static string GateOf(SocketPurpose purpose) => purpose switch
    {
        SocketPurpose.DnsUdp or SocketPurpose.DnsTcp => "dns",
        SocketPurpose.Secrets => "secrets",
        _ => "egress",
    };

    // The services may have been started by another shell: what this caller's environment holds goes to the secrets gate, and to it alone.
    private static ImmutableDictionary<string, string>? SecretVariables(AgentPolicy policy) =>
        policy.Secrets.Where(secret => secret.From.Scheme == SecretScheme.Env)
            .Select(secret => secret.From.Value).Distinct()
            .Select(name => (Name: name, Value: Environment.GetEnvironmentVariable(name)))
            .Where(variable => variable.Value is { Length: > 0 })
            .ToImmutableDictionary(variable => variable.Name, variable => variable.Value!);
}
