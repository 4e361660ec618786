using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Gatehouse.Gate.Handover;
using Gatehouse.TestKit;

namespace Gatehouse.SecretsGateway.Tests.Support;

/// <summary>What a launcher does, and then what an agent does: a listening socket is handed over, and dialled.</summary>
public sealed class AgentSession : IDisposable
{
    private static int s_count;

    private readonly Socket _lease;
    private readonly TempFolder _folder;

    private AgentSession(string id, Socket lease, IPEndPoint address, TempFolder folder) => (Id, _lease, Address, _folder) = (id, lease, address, folder);

    public string Id { get; }

    /// <summary>Where the agent finds the gateway.</summary>
    public IPEndPoint Address { get; }

    /// <summary>Folder of the policy.</summary>
    public TempFolder Folder => _folder;

    /// <param name="gateway">Takes the session over.</param>
    /// <param name="policy">YAML.</param>
    /// <param name="environment">What the launcher found for env: sources.</param>
    /// <param name="prepare">Puts files beside the policy.</param>
    public static async Task<AgentSession> OpenAsync(
        GatewayProcess gateway, string policy, IReadOnlyDictionary<string, string>? environment = null, Action<TempFolder>? prepare = null)
    {
        var folder = new TempFolder();
        prepare?.Invoke(folder);
        var path = folder.Write("gatehouse.yaml", policy);
        using var listener = TestSockets.Listen(SocketPurpose.Secrets);
        var id = $"test-{Interlocked.Increment(ref s_count)}";
        var header = new SessionHeader
        {
            Session = id,
            Policy = path,
            PolicySha256 = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(policy))),
            Sockets = [listener.Description],
            Environment = environment?.ToImmutableDictionary(),
        };
        var lease = await GateClient.OpenSessionAsync(gateway.SocketPath, header, [(int)listener.Socket.Handle], CancellationToken.None);
        return new(id, lease, listener.EndPoint(), folder);
    }

    /// <summary>One request and its answer, both as text, over a connection of its own.</summary>
    public async Task<string> SendRawAsync(string request)
    {
        using var connection = await ConnectAsync();
        await connection.SendAsync(Encoding.Latin1.GetBytes(request));
        return await connection.ReadToEndAsync();
    }

    /// <summary>A connection that is written and read as text.</summary>
    public async Task<RawConnection> ConnectAsync()
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(Address);
        return new(socket);
    }

    /// <summary>An ordinary client that finds secrets.gatehouse at the session's socket.</summary>
    public HttpClient CreateClient() => new(new SocketsHttpHandler
    {
        UseProxy = false,
        AllowAutoRedirect = false,
        ActivityHeadersPropagator = null,
        ConnectCallback = async (_, cancellationToken) =>
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(Address, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        },
    })
    {
        BaseAddress = new Uri("http://secrets.gatehouse/"),
    };

    /// <summary>Ends the session, as the launcher's death does.</summary>
    public void Dispose()
    {
        _lease.Dispose();
        _folder.Dispose();
    }
}

/// <summary>One TCP connection, in Latin-1.</summary>
public sealed class RawConnection(Socket socket) : IDisposable
{
    private static readonly TimeSpan s_within = TimeSpan.FromSeconds(20);

    public Task SendAsync(byte[] bytes) => socket.SendAsync(bytes).WaitAsync(s_within);

    public Task SendAsync(string text) => SendAsync(Encoding.Latin1.GetBytes(text));

    /// <summary>What comes until the text is there, or the connection ends.</summary>
    public async Task<string> ReadUntilAsync(string text)
    {
        var all = new StringBuilder();
        var buffer = new byte[64 * 1024];
        while (!all.ToString().Contains(text, StringComparison.Ordinal))
        {
            using var deadline = new CancellationTokenSource(s_within);
            var count = await ReceiveAsync(buffer, deadline.Token);
            if (count == 0)
                break;
            all.Append(Encoding.Latin1.GetString(buffer, 0, count));
        }

        return all.ToString();
    }

    public Task<string> ReadToEndAsync() => ReadUntilAsync("\0 never");

    public void Dispose() => socket.Dispose();

    private async Task<int> ReceiveAsync(byte[] buffer, CancellationToken cancellationToken)
    {
        try
        {
            return await socket.ReceiveAsync(buffer, SocketFlags.None, cancellationToken);
        }
        catch (SocketException)
        {
            return 0; // reset: as good as the end
        }
    }
}
