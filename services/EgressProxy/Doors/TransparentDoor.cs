using System.Net.Sockets;
using Gatehouse.EgressProxy.Answers;
using Gatehouse.EgressProxy.Decisions;
using Gatehouse.EgressProxy.Destinations;
using Gatehouse.EgressProxy.Tls;
using Gatehouse.EgressProxy.Tunnel;
using Microsoft.Extensions.Options;

namespace Gatehouse.EgressProxy.Doors;

/// <summary>For programs that know of no proxy: whatever address they dial, the connection arrives here.</summary>
internal sealed class TransparentDoor(
    GateAddresses addresses, Checkpoint checkpoint, Tunnels tunnels, HttpHandover http, IOptions<EgressOptions> options, TimeProvider time)
{
    /// <summary>Each port has one protocol where the policy names no other: 80 is HTTP, 443 is TLS.</summary>
    public static Way WayOf(int port) => port switch
    {
        EgressDecider.HttpPort => Way.TransparentHttp,
        EgressDecider.TlsPort => Way.TransparentTls,
        _ => Way.Tcp,
    };

    public Task HandleAsync(AgentConnection connection, CancellationToken cancellationToken) => connection.Via switch
    {
        Way.TransparentHttp => HandleHttpAsync(connection, cancellationToken),
        Way.TransparentTls => HandleTlsAsync(connection, cancellationToken),
        _ => HandleTcpAsync(connection, cancellationToken),
    };

    /// <summary>Each request is decided on its own, after Kestrel has read it; what it is held against is settled here.</summary>
    private async Task HandleHttpAsync(AgentConnection connection, CancellationToken cancellationToken)
    {
        var to = await MeaningAsync(connection, cancellationToken);
        var meant = new AgentConnection(connection.Session, connection.Upstream, connection.Socket, connection.Dialled, connection.Purpose)
        {
            Via = connection.Via,
            To = to ?? connection.DialledDestination,
            Denial = to is null ? Denial.ResolverUnavailable : Denial.None,
        };
        await http.RunAsync(meant, cancellationToken);
    }

    private async Task HandleTlsAsync(AgentConnection connection, CancellationToken cancellationToken)
    {
        using var first = new FirstBytes();
        var meaning = MeaningAsync(connection, cancellationToken);
        var (opening, hello) = await ReadAsync(first, connection.Socket, cancellationToken);
        var to = await meaning;

        var attempt = new Attempt
        {
            Via = connection.Via,
            To = to ?? connection.DialledDestination,
            Opening = opening,
            Hello = hello,
        };
        var passage = to is null
            ? checkpoint.Deny(connection.Session, attempt, Denial.ResolverUnavailable, connection.Dialled)
            : await checkpoint.PassAsync(
                connection.Session, attempt, connection.Dialled, token => HangUp.WaitAsync(connection.Socket, token), cancellationToken);
        if (passage.IsOpen)
            await tunnels.RunAsync(connection, attempt, passage, first, cancellationToken);
        else if (TlsRecords.CanBegin(first.Memory.Span))
            await RawAnswers.SendAlertAsync(connection.Socket, RawAnswers.AccessDenied, cancellationToken);
        else
            RawAnswers.Reset(connection.Socket);
    }

    private async Task HandleTcpAsync(AgentConnection connection, CancellationToken cancellationToken)
    {
        using var first = new FirstBytes();
        var to = await MeaningAsync(connection, cancellationToken);
        var attempt = new Attempt { Via = connection.Via, To = to ?? connection.DialledDestination };
        var passage = to is null
            ? checkpoint.Deny(connection.Session, attempt, Denial.ResolverUnavailable, connection.Dialled)
            : await checkpoint.PassAsync(
                connection.Session, attempt, connection.Dialled, token => HangUp.WaitAsync(connection.Socket, token), cancellationToken);
        if (passage.IsOpen)
            await tunnels.RunAsync(connection, attempt, passage, first, cancellationToken);
        else
            RawAnswers.Reset(connection.Socket);
    }

    /// <summary>Bytes that do not come in time are none: what is judged then is that they are not TLS.</summary>
    private async Task<(Opening Opening, ClientHello Hello)> ReadAsync(FirstBytes first, Socket socket, CancellationToken cancellationToken)
    {
        using var deadline = new Deadline(options.Value.HeadTimeout, time, cancellationToken);
        try
        {
            return await first.ReadClientHelloAsync(socket, deadline.Token);
        }
        catch (OperationCanceledException) when (deadline.HasPassed)
        {
            return (first.Memory.IsEmpty ? Opening.Other : Opening.InvalidTls, default);
        }
        catch (SocketException)
        {
            return (Opening.Other, default);
        }
    }

    private Task<Destination?> MeaningAsync(AgentConnection connection, CancellationToken cancellationToken) =>
        addresses.MeaningOfAsync(connection.Session, connection.Dialled.Address, connection.Dialled.Port, cancellationToken);
}
