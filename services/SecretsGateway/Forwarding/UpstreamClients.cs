using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Gatehouse.Gate;
using Gatehouse.Policy;
using Gatehouse.Policy.Egress;
using Gatehouse.Policy.Secrets;

namespace Gatehouse.SecretsGateway.Forwarding;

/// <summary>
/// The HTTP clients of one session, one a secret: nothing is pooled across sessions. They follow no redirect, keep no cookie, ask no proxy, and
/// connect to public addresses alone, unless the policy's upstream is a loopback address itself.
/// </summary>
internal sealed class UpstreamClients(GateSession session) : IDisposable
{
    private static readonly TimeSpan s_connectWithin = TimeSpan.FromSeconds(10);
    private readonly ConcurrentDictionary<SecretPolicy, Lazy<HttpMessageInvoker>> _clients = new();

    public HttpMessageInvoker For(SecretPolicy secret) => _clients.GetOrAdd(secret, key => new(() => Create(key))).Value;

    public void Dispose()
    {
        foreach (var client in _clients.Values.Where(client => client.IsValueCreated))
            client.Value.Dispose();
        _clients.Clear();
    }

    private HttpMessageInvoker Create(SecretPolicy secret)
    {
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            AllowAutoRedirect = false,
            UseCookies = false,
            AutomaticDecompression = DecompressionMethods.None,
            ActivityHeadersPropagator = null,
            ConnectTimeout = s_connectWithin,
            EnableMultipleHttp2Connections = true,
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            ConnectCallback = ConnectAsync,
        };
        if (secret.Trust is { } trust)
            handler.SslOptions = Trusting(HostPaths.Expand(trust, session.PolicyDirectory, Environment.GetFolderPath(Environment.SpecialFolder.UserProfile)));
        return new(handler);
    }

    private static SslClientAuthenticationOptions Trusting(string path)
    {
        var roots = new X509Certificate2Collection();
        roots.ImportFromPemFile(path);
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.AddRange(roots);
        return new() { CertificateChainPolicy = policy };
    }

    private static async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var target = context.DnsEndPoint;
        var isLocal = target.Host == "localhost" || (IPAddress.TryParse(target.Host, out var literal) && IPAddress.IsLoopback(literal));
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(target, cancellationToken);
            // Checked before the first byte: a public name that leads into this network (DNS rebinding) gets no credential.
            var address = ((IPEndPoint)socket.RemoteEndPoint!).Address;
            address = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
            if (isLocal ? !IPAddress.IsLoopback(address) : AddressRanges.IsSpecialPurpose(address) && !IPAddress.TryParse(target.Host, out _))
                throw new HttpRequestException($"{target.Host} leads to {address}, which is not a public address");
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
