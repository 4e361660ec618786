using System.Net;
using System.Net.Sockets;
using Gatehouse.TestKit;

namespace Gatehouse.Topology.Tests;

/// <summary>A server inside, reached from the host's loopback: in every isolation.</summary>
public sealed class PublishTests
{
    private const string Server = """
        exec python3 -c "
        import socket
        server = socket.create_server(('127.0.0.1', 18789))
        while True:
            each, _ = server.accept()
            each.recv(65536)
            body = open('seen.txt', 'rb').read()
            each.sendall(b'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n' % len(body) + body)
            each.close()
        "
        """;

    [Theory]
    [InlineData(Cell.BubblewrapRoot)]
    [InlineData(Cell.BubblewrapUnprivileged)]
    [InlineData(Cell.DockerRoot)]
    [InlineData(Cell.DockerSocket)]
    [InlineData(Cell.PodmanRoot)]
    [InlineData(Cell.PodmanRootless)]
    public async Task Publish_ServerInside_AnswersOnTheHostsLoopbackAndIsRecorded(Cell cell)
    {
        await using var site = await EnclosureSite.CreateAsync(cell);
        var port = FreePort();
        var folder = site.CreateWorkspaceFor("served", $"publish: [{{ inside: 18789, host: \"127.0.0.1:{port}\" }}]");
        await site.Installation.RunAsync(folder, ["up"]);
        using var process = site.Installation.Start(folder, ["run", "-q", "--", "bash", "-c", Server]);
        try
        {
            using var client = new HttpClient();
            var page = "";
            for (var i = 0; i < 150 && page.Length == 0; i++)
            {
                try
                {
                    page = await client.GetStringAsync($"http://127.0.0.1:{port}/seen.txt");
                }
                catch (HttpRequestException)
                {
                    await Task.Delay(100);
                }
            }

            Assert.Equal("lower\n", page);
        }
        finally
        {
            System.Diagnostics.Process.Start("/bin/kill", [$"{process.Id}"])!.WaitForExit();
            await process.WaitForExitAsync(new CancellationTokenSource(TimeSpan.FromSeconds(30)).Token);
        }

        await site.ExpectRecordAsync("publish.connect");
        await Assert.ThrowsAsync<SocketException>(() => ConnectAsync(port));
    }

    [Fact]
    public async Task Publish_TakenPort_SaysSo()
    {
        await using var site = await EnclosureSite.CreateAsync(Cell.BubblewrapUnprivileged);
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var folder = site.CreateWorkspaceFor("served", $"publish: [{{ inside: 18789, host: \"127.0.0.1:{((IPEndPoint)taken.LocalEndpoint).Port}\" }}]");
        var result = await site.Installation.ScriptAsync(folder, "echo RAN");
        Assert.Equal(69, result.ExitCode);
        Assert.True(result.Error.Contains("can not be taken", StringComparison.Ordinal), result.Error);
        Assert.DoesNotContain("RAN", result.Output, StringComparison.Ordinal);
    }

    private static async Task ConnectAsync(int port)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, port);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
