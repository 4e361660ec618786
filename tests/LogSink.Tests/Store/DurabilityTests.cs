using System.Collections.Concurrent;
using System.Net;
using System.Runtime.InteropServices;
using System.Text.Json;
using Gatehouse.LogSink.Tests.Support;

namespace Gatehouse.LogSink.Tests.Store;

/// <summary>The program as a process, and the worst that happens to processes and disks.</summary>
public sealed class DurabilityTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("log-sink-").FullName;

    [Fact]
    public async Task Kill_AtAnyMoment_LosesNothingAcknowledgedAndKeepsTheChain()
    {
        var acknowledged = new ConcurrentBag<Guid>();
        for (var round = 0; round < 4; round++)
        {
            await using var sink = await SinkProcess.StartAsync(_folder);
            Assert.StartsWith("{\"ok\":true", await sink.Client.GetStringAsync("/verify"), StringComparison.Ordinal);
            var senders = Enumerable.Range(0, 4).Select(_ => SendUntilDeadAsync(sink.Client, acknowledged)).ToArray();
            await Task.Delay(300 + (100 * round));
            await sink.KillAsync();
            await Task.WhenAll(senders);
        }

        await using var last = await SinkProcess.StartAsync(_folder);
        Assert.StartsWith("{\"ok\":true", await last.Client.GetStringAsync("/verify"), StringComparison.Ordinal);
        Assert.NotEmpty(acknowledged);
        Assert.Subset(await StoredAsync(last.Client), new HashSet<Guid>(acknowledged));
    }

    [Fact]
    public async Task Disk_Full_RefusesAndRecovers()
    {
        // A disk of its own, in a mount namespace of its own; a line on standard input makes room.
        const string Script = """
            mount -t tmpfs -o size=3m none "$DISK" && mkdir "$DISK/log" && head -c 1m /dev/zero > "$DISK/filler" && { (read line <&3; rm "$DISK/filler") & } && "$@"
            """;
        var disk = Path.Combine(_folder, "disk");
        Directory.CreateDirectory(disk);
        await using var sink = await SinkProcess.StartAsync(
            _folder, "env", $"DISK={disk}", $"LogSink__Database={disk}/log/events.db", "unshare", "-r", "-m", "sh", "-c", $"exec 3<&0; {Script} \"--LogSink:Database={disk}/log/events.db\"", "sh");
        var large = new string('x', 2_000);
        var stored = 0;
        HttpStatusCode status;
        do
        {
            using var response = await RunningSink.PostAsync(sink.Client, Sample.Lines(Sample.Many(50).Select(each => each with { Subject = large })));
            status = response.StatusCode;
            if (status == HttpStatusCode.OK)
                stored += 50;
        }
        while (status == HttpStatusCode.OK && stored < 5_000);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, status);
        Assert.Equal("Degraded", await sink.Client.GetStringAsync("/health"));
        Assert.StartsWith($"{{\"ok\":true,\"records\":{stored},", await sink.Client.GetStringAsync("/verify"), StringComparison.Ordinal);
        await sink.Process.StandardInput.WriteLineAsync("make room");
        await sink.Process.StandardInput.FlushAsync();
        for (var i = 0; status != HttpStatusCode.OK && i < 100; i++)
        {
            await Task.Delay(50);
            using var response = await RunningSink.PostAsync(sink.Client, Sample.Lines(Sample.Many(50)));
            status = response.StatusCode;
        }

        Assert.Equal(HttpStatusCode.OK, status);
        Assert.StartsWith($"{{\"ok\":true,\"records\":{stored + 50},", await sink.Client.GetStringAsync("/verify"), StringComparison.Ordinal);
        Assert.Equal("Healthy", await sink.Client.GetStringAsync("/health"));
    }

    [Fact]
    public async Task Start_WithNothingButAToken_UsesTheStateAndRunDirectories()
    {
        var (run, state) = (Path.Combine(_folder, "run"), Path.Combine(_folder, "state"));
        using var process = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("dotnet", [SinkProcess.Program, "--urls=http://127.0.0.1:0"])
        {
            RedirectStandardOutput = true,
            Environment = { ["GATEHOUSE_RUN"] = run, ["GATEHOUSE_STATE"] = state, ["Gatehouse__Token"] = "token" },
        })!;
        try
        {
            Assert.True(await EventuallyAsync(() => File.Exists(Path.Combine(run, "log-sink.json"))));
            Assert.True(File.Exists(Path.Combine(state, "log", "events.db")));
            _ = Terminate(process.Id, 15);
            await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(10));
            Assert.Equal(0, process.ExitCode);
            Assert.False(File.Exists(Path.Combine(run, "log-sink.json")));
            // Folded into the database by the last one to close it.
            Assert.False(File.Exists(Path.Combine(state, "log", "events.db-wal")));
        }
        finally
        {
            process.Kill();
        }
    }

    [Theory]
    [InlineData("--Gatehouse:Token=", "Gatehouse:Token is not set")]
    [InlineData("--urls=http://0.0.0.0:0", "loopback only")]
    [InlineData("--LogSink:Database=relative.db", "absolute path")]
    public async Task Start_WithWhatItCanNotUse_EndsWithOneLine(string argument, string message)
    {
        using var process = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo(
            "dotnet", [SinkProcess.Program, .. RunningSink.Arguments(_folder), argument])
        { RedirectStandardError = true, RedirectStandardOutput = true })!;
        var error = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();

        Assert.Equal(78, process.ExitCode);
        Assert.StartsWith("log-sink: ", error, StringComparison.Ordinal);
        Assert.Contains(message, error, StringComparison.Ordinal);
        Assert.Equal(error.Length - 1, error.IndexOf('\n', StringComparison.Ordinal));
    }

    private static async Task SendUntilDeadAsync(HttpClient client, ConcurrentBag<Guid> acknowledged)
    {
        try
        {
            while (true)
            {
                var events = Sample.Many(20);
                using var response = await RunningSink.PostAsync(client, Sample.Lines(events));
                if (response.StatusCode != HttpStatusCode.OK)
                    continue;
                foreach (var each in events)
                    acknowledged.Add(each.Id);
            }
        }
        catch (HttpRequestException)
        {
            // Killed.
        }
    }

    private static async Task<HashSet<Guid>> StoredAsync(HttpClient client)
    {
        var ids = new HashSet<Guid>();
        for (var after = 0L; ;)
        {
            var lines = (await client.GetStringAsync($"/events?order=asc&limit=1000&after={after}")).Split('\n', StringSplitOptions.RemoveEmptyEntries);
            if (lines.Length == 0)
                return ids;
            foreach (var line in lines)
            {
                using var each = JsonDocument.Parse(line);
                Assert.True(ids.Add(each.RootElement.GetProperty("id").GetGuid()));
                after = each.RootElement.GetProperty("sequence").GetInt64();
            }
        }
    }

    private static async Task<bool> EventuallyAsync(Func<bool> condition)
    {
        for (var i = 0; i < 400; i++)
        {
            if (condition())
                return true;
            await Task.Delay(50);
        }

        return false;
    }

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int Terminate(int process, int signal);

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
