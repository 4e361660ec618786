using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Gatehouse.Gate;
using Gatehouse.Policy;
using Gatehouse.Policy.Secrets;

namespace Gatehouse.SecretsGateway.Forwarding;

/// <summary>
/// The HTTP clients of one session, one a secret: nothing is pooled across sessions. They follow no redirect, keep no cookie, ask no
/// proxy, and connect to where the policy's upstream may be and nowhere else.
/// </summary>
internal sealed class UpstreamClients(GateSession session, GatewayOptions options) : IDisposable
{
    private readonly ConcurrentDictionary<Key, HttpMessageInvoker> _clients = new();

    /// <exception cref="IOException">The CA under <c>trust:</c> can not be read.</exception>
    /// <exception cref="System.Security.Cryptography.CryptographicException">It is no certificate.</exception>
    public HttpMessageInvoker For(SecretPolicy secret)
    {
        // Not the whole secret: a reload that leaves the upstream as it is keeps its connections.
        var key = new Key(secret.Name, secret.Upstream, secret.Trust);
        if (_clients.TryGetValue(key, out var client))
            return client;
        var created = Create(key);
        client = _clients.GetOrAdd(key, created);
        if (client != created)
            created.Dispose();
        return client;
    }

    public void Dispose()
    {
        foreach (var client in _clients.Values)
            client.Dispose();
    }

    private HttpMessageInvoker Create(Key key)
    {
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            AllowAutoRedirect = false,
            UseCookies = false,
            // It asks for these in place of what the agent asked for, and takes them off: what is compressed can not be searched for the credential.
            AutomaticDecompression = DecompressionMethods.All,
            ActivityHeadersPropagator = null,
            ConnectTimeout = options.ConnectTimeout,
            EnableMultipleHttp2Connections = true,
            // Where the upstream is may change during a long session.
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            ConnectCallback = ConnectAsync,
        };
        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        if (key.Trust is { } trust)
            handler.SslOptions = Trusting(HostPaths.Expand(trust, session.PolicyDirectory, home));
        return new(handler);
    }

    private static SslClientAuthenticationOptions Trusting(string path)
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
        };
        policy.CustomTrustStore.ImportFromPemFile(path);
        return new() { CertificateChainPolicy = policy };
    }

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var target = context.DnsEndPoint;
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(target, cancellationToken);
            // Checked when connected, before the first byte: no second look-up can say otherwise.
            var address = ((IPEndPoint)socket.RemoteEndPoint!).Address;
            if (!UpstreamAddress.IsPermitted(session.Policy, target.Host, address))
                throw new UpstreamAddressException($"{target.Host} leads to {address}, which is not a public address");
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private sealed record Key(string Name, Uri Upstream, string? Trust);
}
