using System.Diagnostics;
using System.Text.Json;

namespace Gatehouse.LogSink.Tests.Support;

/// <summary>The program as it ships, in a process that can be killed.</summary>
internal sealed class SinkProcess : IAsyncDisposable
{
    private static readonly TimeSpan s_within = TimeSpan.FromSeconds(20);

    private SinkProcess(Process process, HttpClient client)
    {
        Process = process;
        Client = client;
    }

    public static string Program => Path.Combine(AppContext.BaseDirectory, "Gatehouse.LogSink.dll");

    public Process Process { get; }

    public HttpClient Client { get; }

    /// <param name="folder">Its files.</param>
    /// <param name="shell">A command line that runs <c>"$@"</c>, in place of running the program directly.</param>
    public static Task<SinkProcess> StartAsync(string folder, params string[] shell) => StartAsync(folder, shell, [], Program);

    /// <param name="folder">Its files.</param>
    /// <param name="shell">As above.</param>
    /// <param name="more">Arguments behind the others.</param>
    /// <param name="program">In place of the one that ships.</param>
    public static async Task<SinkProcess> StartAsync(string folder, string[] shell, string[] more, string program)
    {
        var address = Path.Combine(folder, "log-sink.json");
        File.Delete(address);
        string[] command = [.. shell, "dotnet", program, .. RunningSink.Arguments(folder), .. more];
        var process = Process.Start(new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true })!;
        var output = Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        using var timeout = new CancellationTokenSource(s_within);
        while (!File.Exists(address))
        {
            if (process.HasExited || timeout.IsCancellationRequested)
                Assert.Fail($"the log sink did not start: {string.Concat(await output)}");
            await Task.Delay(20, CancellationToken.None);
        }

        using var found = JsonDocument.Parse(await File.ReadAllTextAsync(address, CancellationToken.None));
        var client = new HttpClient { BaseAddress = new(found.RootElement.GetProperty("url").GetString()!) };
        client.DefaultRequestHeaders.Authorization = new("Bearer", found.RootElement.GetProperty("token").GetString());
        return new(process, client);
    }

    /// <summary>SIGKILL.</summary>
    public async Task KillAsync()
    {
        if (!Process.HasExited)
            Process.Kill(entireProcessTree: true);
        await Process.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        Client.Dispose();
        Process.Dispose();
    }
}
