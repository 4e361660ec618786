using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Gatehouse.TestKit;

namespace Gatehouse.SecretsGateway.Tests.Support;

/// <summary>The gateway as it is in life: a process of its own, that takes sessions over on its unix socket and records at a sink.</summary>
public sealed class GatewayProcess : IAsyncDisposable
{
    private static readonly TimeSpan s_startWithin = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly ConcurrentQueue<string> _output = new();

    private GatewayProcess(Process process, TempFolder folder, int port) => (_process, Folder, Health) = (process, folder, new($"http://127.0.0.1:{port}"));

    public TempFolder Folder { get; }

    /// <summary>The ordinary endpoint.</summary>
    public Uri Health { get; }

    /// <summary>Everything it has printed.</summary>
    public string Output => string.Join('\n', _output);

    public string SocketPath => Folder.File("run/secrets.sock");

    /// <param name="sink">Where it records; need not be there.</param>
    /// <param name="configuration">More environment.</param>
    public static async Task<GatewayProcess> StartAsync(LogSinkStub sink, params (string Name, string Value)[] configuration)
    {
        var folder = new TempFolder();
        Directory.CreateDirectory(folder.File("run"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var port = FreePort();
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "Gatehouse.SecretsGateway.dll")])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder.Path,
        };
        start.Environment["GATEHOUSE_RUN"] = folder.File("run");
        start.Environment["GATEHOUSE_STATE"] = folder.File("state");
        start.Environment["Gatehouse__Token"] = LogSinkStub.Token;
        start.Environment["Recorder__Sink"] = sink.Uri.ToString();
        start.Environment["ASPNETCORE_URLS"] = $"http://127.0.0.1:{port}";
        start.Environment.Remove("OTEL_EXPORTER_OTLP_ENDPOINT");
        foreach (var (name, value) in configuration)
            start.Environment[name] = value;
        var gateway = new GatewayProcess(Process.Start(start)!, folder, port);
        gateway._process.OutputDataReceived += (_, line) => gateway._output.Enqueue(line.Data ?? "");
        gateway._process.ErrorDataReceived += (_, line) => gateway._output.Enqueue(line.Data ?? "");
        gateway._process.BeginOutputReadLine();
        gateway._process.BeginErrorReadLine();
        await Eventually.TrueAsync(() => gateway._process.HasExited || File.Exists(gateway.SocketPath), s_startWithin);
        if (!gateway._process.HasExited)
            return gateway;
        // Once disposed, it has printed all that it had to say.
        await gateway.DisposeAsync();
        throw new InvalidOperationException(gateway.Output);
    }

    /// <summary>Until it says that it is healthy: it records.</summary>
    public async Task WaitUntilReadyAsync()
    {
        using var client = new HttpClient { BaseAddress = Health };
        await Eventually.TrueAsync(async () =>
        {
            try
            {
                using var answer = await client.GetAsync(new Uri("/health", UriKind.Relative));
                return answer.IsSuccessStatusCode;
            }
            catch (HttpRequestException)
            {
                return false; // not listening yet
            }
        });
    }

    public async Task KillAsync()
    {
        if (!_process.HasExited)
            _process.Kill();
        await _process.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _process.Dispose();
        Folder.Dispose();
    }

    private static int FreePort()
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
