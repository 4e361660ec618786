using System.Net.Sockets;
using Gatehouse.EgressProxy.Answers;
using Gatehouse.EgressProxy.Decisions;
using Gatehouse.EgressProxy.Http;
using Gatehouse.EgressProxy.Tunnel;
using Microsoft.Extensions.Options;

namespace Gatehouse.EgressProxy.Doors;

/// <summary>The explicit proxy: CONNECT is decided here, every other request after Kestrel has read it.</summary>
internal sealed class ProxyDoor(Checkpoint checkpoint, Tunnels tunnels, HttpHandover http, IOptions<EgressOptions> options, TimeProvider time)
{
    public async Task HandleAsync(AgentConnection connection, CancellationToken cancellationToken)
    {
        using var first = new FirstBytes();
        var (kind, head) = await ReadAsync(first, connection.Socket, cancellationToken);
        switch (kind)
        {
            case ConnectHead.OtherMethod:
                await http.RunAsync(connection, cancellationToken);
                break;
            case ConnectHead.Connect when ConnectRequest.TryRead(head, out var to):
                await ConnectAsync(connection, new Attempt { Via = Way.Connect, To = to }, cancellationToken);
                break;
            case ConnectHead.Nothing:
                connection.Socket.Dispose();
                break;
            default:
                var attempt = new Attempt { Via = Way.Connect, To = connection.DialledDestination };
                var denial = kind == ConnectHead.TooSlow ? Denial.TooSlow : Denial.InvalidRequest;
                await RefuseAsync(connection, attempt, checkpoint.Deny(connection.Session, attempt, denial, connection.Dialled), cancellationToken);
                break;
        }
    }

    private async Task ConnectAsync(AgentConnection connection, Attempt attempt, CancellationToken cancellationToken)
    {
        var passage = await checkpoint.PassAsync(
            connection.Session, attempt, connection.Dialled, token => HangUp.WaitAsync(connection.Socket, token), cancellationToken);
        if (!passage.IsOpen)
        {
            await RefuseAsync(connection, attempt, passage, cancellationToken);
        }
        else if (attempt.To.Port == EgressDecider.HttpPort)
        {
            // Plain HTTP in a tunnel: each request is held to what CONNECT asked for.
            await HandOverAsync(connection, attempt, passage, cancellationToken);
        }
        else
        {
            using var first = new FirstBytes();
            await tunnels.RunAsync(connection, attempt, passage, first, cancellationToken);
        }
    }

    private async Task HandOverAsync(AgentConnection connection, Attempt attempt, Passage passage, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        try
        {
            await connection.Socket.SendAsync(RawAnswers.Established, SocketFlags.None, cancellationToken);
            await http.RunAsync(new(connection.Session, connection.Upstream, connection.Socket, connection.Dialled, connection.Purpose)
            {
                Via = Way.Connect,
                To = attempt.To,
                Approved = passage.Decision.Rule!.Ask ? attempt.To : null,
            }, cancellationToken);
        }
        finally
        {
            // Its bytes are with its requests.
            checkpoint.End(connection.Session, passage, 0, 0, time.GetElapsedTime(started), "completed");
        }
    }

    private static Task RefuseAsync(AgentConnection connection, Attempt attempt, Passage passage, CancellationToken cancellationToken) =>
        RawAnswers.SendAsync(connection.Socket, Problem.Of(passage.Decision, attempt), cancellationToken);

    private async Task<(ConnectHead Kind, RequestHead Head)> ReadAsync(FirstBytes first, Socket socket, CancellationToken cancellationToken)
    {
        using var deadline = new Deadline(options.Value.HeadTimeout, time, cancellationToken);
        try
        {
            return await first.ReadConnectAsync(socket, deadline.Token);
        }
        catch (OperationCanceledException) when (deadline.HasPassed)
        {
            return (ConnectHead.TooSlow, default);
        }
        catch (SocketException)
        {
            return (ConnectHead.Nothing, default);
        }
    }
}
