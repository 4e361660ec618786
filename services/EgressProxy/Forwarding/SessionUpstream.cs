using System.Net;
using System.Net.Sockets;
using Gatehouse.EgressProxy.Destinations;
using Gatehouse.EgressProxy.Upstream;
using Gatehouse.Gate;
using Gatehouse.Policy.Egress;

namespace Gatehouse.EgressProxy.Forwarding;

/// <summary>
/// The HTTP client of one session, whose connections no other session shares. It resolves nothing itself: it connects by <see cref="Dialler"/>, to
/// what the request's own decision allows. No proxy, no redirects, no cookies, no decompression.
/// </summary>
internal static class SessionUpstream
{
    public static readonly HttpRequestOptionsKey<(Destination To, EgressRule Rule)> Target = new("gatehouse.target");

    public static HttpMessageInvoker Create(GateSession session, Dialler dialler) => new(new SocketsHttpHandler
    {
        UseProxy = false,
        AllowAutoRedirect = false,
        UseCookies = false,
        AutomaticDecompression = DecompressionMethods.None,
        ActivityHeadersPropagator = null,
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
        PooledConnectionLifetime = TimeSpan.FromMinutes(2),
        ConnectCallback = async (context, cancellationToken) =>
        {
            if (!context.InitialRequestMessage.Options.TryGetValue(Target, out var target))
                throw new DialException(UpstreamFailure.NotAllowed);
            var (socket, failure) = await dialler.DialAsync(session, target.To, target.Rule, cancellationToken);
            return socket is null ? throw new DialException(failure) : new NetworkStream(socket, ownsSocket: true);
        },
    });
}

/// <summary>Carries a failure to dial through the HTTP client.</summary>
internal sealed class DialException(UpstreamFailure failure) : IOException(UpstreamFailureText.Reason(failure))
{
    public UpstreamFailure Failure { get; } = failure;
}
