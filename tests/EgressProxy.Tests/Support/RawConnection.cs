using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Gatehouse.TestKit;

namespace Gatehouse.EgressProxy.Tests.Support;

/// <summary>One TCP connection, written and read as Latin-1, never waiting without bound.</summary>
internal sealed class RawConnection(Socket socket) : IDisposable
{
    public Socket Socket => socket;

    public Task SendAsync(string text) => SendAsync(Encoding.Latin1.GetBytes(text));

    public Task SendAsync(byte[] bytes) => socket.SendAsync(bytes).WaitAsync(Eventually.Bound);

    /// <summary>What comes until the text is there, or the connection ends.</summary>
    public async Task<string> ReadUntilAsync(string text)
    {
        var all = new StringBuilder();
        var buffer = new byte[64 * 1024];
        using var deadline = new CancellationTokenSource(Eventually.Bound);
        while (!all.ToString().Contains(text, StringComparison.Ordinal))
        {
            var count = await ReceiveAsync(buffer, deadline.Token);
            if (count <= 0)
                break;
            all.Append(Encoding.Latin1.GetString(buffer, 0, count));
        }

        return all.ToString();
    }

    /// <summary>An answer with a body of known length.</summary>
    public async Task<string> ReadResponseAsync()
    {
        var text = await ReadUntilAsync("\r\n\r\n");
        var head = text[..(text.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)];
        var length = head.Split("\r\n").FirstOrDefault(line => line.StartsWith("Content-Length: ", StringComparison.OrdinalIgnoreCase));
        var missing = length is null ? 0 : int.Parse(length[16..], System.Globalization.CultureInfo.InvariantCulture) - (text.Length - head.Length);
        return text + (missing > 0 ? await ReadExactlyAsync(missing) : "");
    }

    public async Task<string> ReadExactlyAsync(int count)
    {
        var buffer = new byte[count];
        using var deadline = new CancellationTokenSource(Eventually.Bound);
        for (var read = 0; read < count;)
        {
            var now = await ReceiveAsync(buffer.AsMemory(read), deadline.Token);
            if (now <= 0)
                return Encoding.Latin1.GetString(buffer, 0, read);
            read += now;
        }

        return Encoding.Latin1.GetString(buffer);
    }

    public Task<string> ReadToEndAsync() => ReadUntilAsync("\0 never");

    /// <summary>Whether the connection ends by a reset, and nothing came before.</summary>
    public async Task<bool> IsResetAsync()
    {
        using var deadline = new CancellationTokenSource(Eventually.Bound);
        return await ReceiveAsync(new byte[1], deadline.Token) < 0;
    }

    /// <summary>TLS over it, as a client that believes the authority.</summary>
    public async Task<SslStream> SecureAsync(string serverName, X509Certificate2 authority)
    {
        var tls = new SslStream(new NetworkStream(socket));
        var chain = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        chain.CustomTrustStore.Add(authority);
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = serverName, CertificateChainPolicy = chain })
            .WaitAsync(Eventually.Bound);
        return tls;
    }

    public void Dispose() => socket.Dispose();

    /// <summary>0 at the end, -1 for a reset.</summary>
    private async Task<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        try
        {
            return await socket.ReceiveAsync(buffer, SocketFlags.None, cancellationToken);
        }
        catch (SocketException)
        {
            return -1;
        }
    }
}
