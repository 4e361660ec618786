using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Gatehouse.EgressProxy.Destinations;
using Gatehouse.Gate;
using Gatehouse.Policy.Egress;
using Microsoft.Extensions.Options;

namespace Gatehouse.EgressProxy.Upstream;

/// <summary>Connects to what a rule allows: its pinned origin, its address, or the addresses that the resolver has for the name.</summary>
internal sealed class Dialler(ResolverClient resolver, IOptions<EgressOptions> options, TimeProvider time)
{
    /// <returns>A connected socket, which the caller owns, or why there is none.</returns>
    public async Task<(Socket? Socket, UpstreamFailure Failure)> DialAsync(
        GateSession session, Destination to, EgressRule rule, CancellationToken cancellationToken)
    {
        using var expiry = new CancellationTokenSource(options.Value.DialTotalTimeout, time);
        using var total = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, expiry.Token);
        try
        {
            var (endPoints, failure) = await EndPointsAsync(session, to, rule, total.Token);
            foreach (var endPoint in endPoints)
            {
                (var socket, failure) = await DialAsync(endPoint, total.Token);
                if (socket is not null)
                    return (socket, UpstreamFailure.None);
                cancellationToken.ThrowIfCancellationRequested();
            }

            return (null, failure);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return (null, UpstreamFailure.TimedOut);
        }
    }

    private async Task<(ImmutableArray<IPEndPoint> EndPoints, UpstreamFailure Failure)> EndPointsAsync(
        GateSession session, Destination to, EgressRule rule, CancellationToken cancellationToken)
    {
        if (rule.Connect is { } pinned)
            return ([pinned], UpstreamFailure.None);
        if (to.Host.Address is { } address)
            return ([new IPEndPoint(address, to.Port)], UpstreamFailure.None);

        var (addresses, failure) = await resolver.ResolveAsync(session, to.Host.Name, rule.Ask, cancellationToken);
        if (failure != UpstreamFailure.None)
            return ([], failure);

        // The resolver refuses these already, unless a rule names the address. This second look minds the port too: a name that somebody points
        // at loopback must not open more of it than the rule does.
        var policy = session.Policy.Egress;
        var reachable = addresses.RemoveAll(a => AddressRanges.IsSpecialPurpose(a) && !policy.Decide(a, to.Port).Verdict.IsAllowed);
        return reachable.IsEmpty
            ? ([], UpstreamFailure.SpecialPurpose)
            : ([.. AddressOrder.Interleave(reachable).Select(a => new IPEndPoint(a, to.Port))], UpstreamFailure.None);
    }

    private async Task<(Socket? Socket, UpstreamFailure Failure)> DialAsync(IPEndPoint endPoint, CancellationToken total)
    {
        using var expiry = new CancellationTokenSource(options.Value.DialTimeout, time);
        using var bounded = CancellationTokenSource.CreateLinkedTokenSource(total, expiry.Token);
        Socket? socket = null;
        try
        {
            socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(endPoint, bounded.Token);
            return (socket, UpstreamFailure.None);
        }
        catch (OperationCanceledException)
        {
            socket?.Dispose();
            return (null, UpstreamFailure.TimedOut);
        }
        catch (SocketException e)
        {
            socket?.Dispose();
            return (null, e.SocketErrorCode switch
            {
                SocketError.ConnectionRefused or SocketError.ConnectionReset => UpstreamFailure.Refused,
                SocketError.TimedOut => UpstreamFailure.TimedOut,
                _ => UpstreamFailure.Unreachable,
            });
        }
    }
}
