using System.Net.Sockets;
using System.Text.Json;
using Gatehouse.LogSink.Tests.Support;
using Microsoft.AspNetCore.Builder;

namespace Gatehouse.LogSink.Tests.Discovery;

/// <summary>A sink that can be reached without a network: how a composition's launcher meets it.</summary>
public sealed class UnixSocketTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("log-sink-").FullName;

    private string SocketPath => Path.Combine(_folder, "sink.sock");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Sink_OnASocketAndAPort_NamesTheSocketAndTakesTheToken()
    {
        await using var app = await StartAsync($"http://127.0.0.1:0;http://unix:{SocketPath}");
        using var address = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(_folder, "log-sink.json")));
        Assert.Equal("http://unix:" + SocketPath, address.RootElement.GetProperty("url").GetString());

        using var client = Client();
        Assert.Equal(System.Net.HttpStatusCode.Unauthorized, (await client.GetAsync("/events")).StatusCode);
        client.DefaultRequestHeaders.Authorization = new("Bearer", RunningSink.Token);
        Assert.Equal(System.Net.HttpStatusCode.OK, (await client.GetAsync("/events")).StatusCode);
    }

    [Fact]
    public async Task Socket_OfAKilledSink_IsReplaced()
    {
        // Bound and closed without being removed, as by kill -9.
        using (var dead = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            dead.Bind(new UnixDomainSocketEndPoint(SocketPath + ".dead"));
            File.Move(SocketPath + ".dead", SocketPath);
        }

        Assert.True(File.Exists(SocketPath));
        await using var app = await StartAsync("http://unix:" + SocketPath);
        using var client = Client();
        Assert.Equal(System.Net.HttpStatusCode.OK, (await client.GetAsync("/alive")).StatusCode);
    }

    [Fact]
    public async Task Socket_OfALivingSink_IsNotTaken()
    {
        await using var app = await StartAsync("http://unix:" + SocketPath);
        await Assert.ThrowsAnyAsync<Exception>(() => StartAsync("http://unix:" + SocketPath));
        using var client = Client();
        Assert.Equal(System.Net.HttpStatusCode.OK, (await client.GetAsync("/alive")).StatusCode);
    }

    private async Task<WebApplication> StartAsync(string urls)
    {
        var app = LogSinkApplication.Build(RunningSink.Arguments(_folder, url: urls));
        try
        {
            await app.StartAsync();
            return app;
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }
    }

    private HttpClient Client() => new(new SocketsHttpHandler
    {
        ConnectCallback = async (_, cancellationToken) =>
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(SocketPath), cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        },
    })
    { BaseAddress = new("http://log-sink") };
}
