using System.Diagnostics;
using System.Globalization;
using System.Net;
using Gatehouse.LogSink.Tests.Support;

namespace Gatehouse.LogSink.Tests.Fault;

/// <summary>The sink comes back while its disk, a small one of its own, is full.</summary>
public sealed class FullDiskTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("full-disk-").FullName;
    private Process _disk = null!;

    private string Disk => Path.Combine(_folder, "disk");

    /// <summary>The disk as this process sees it.</summary>
    private string Inside => $"/proc/{_disk.Id}/root{Disk}";

    private string[] OnDisk => ["nsenter", "-t", _disk.Id.ToString(CultureInfo.InvariantCulture), "-U", "-m", "--preserve-credentials"];

    public async Task InitializeAsync()
    {
        Directory.CreateDirectory(Disk);
        // It holds the mount namespace: the disk outlives the sink.
        _disk = Process.Start(new ProcessStartInfo("unshare", ["-r", "-m", "sh", "-c", $"mount -t tmpfs -o size=16m none '{Disk}' && echo ready && exec cat"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        Assert.Equal("ready", await _disk.StandardOutput.ReadLineAsync());
    }

    private Task<SinkProcess> StartAsync() => SinkProcess.StartAsync(_folder, OnDisk, [$"--LogSink:Database={Disk}/log/events.db"], SinkProcess.Program);

    [Theory]
    [InlineData("KILL")]
    [InlineData("TERM")]
    public async Task Sink_StartedWhileItsDiskIsFull_SaysSoInALineUntilThereIsRoom(string signal)
    {
        await using (var sink = await StartAsync())
        {
            Assert.Equal(HttpStatusCode.OK, await StoreAsync(sink));
            Process.Start("/bin/kill", [$"-{signal}", $"{sink.Process.Id}"]).WaitForExit();
            await sink.Process.WaitForExitAsync();
        }

        var key = File.ReadAllText($"{Inside}/log/events.db.pub");
        Fill();
        // SQLite needs room for its log's index before it reads anything. Whoever runs the sink starts it again.
        for (var i = 0; i < 2; i++)
        {
            string[] command = [.. OnDisk, "dotnet", SinkProcess.Program, .. RunningSink.Arguments(_folder), $"--LogSink:Database={Disk}/log/events.db"];
            using var full = Process.Start(new ProcessStartInfo(command[0], command[1..]) { RedirectStandardError = true })!;
            var said = await full.StandardError.ReadToEndAsync();
            await full.WaitForExitAsync();
            Assert.Equal((78, 1), (full.ExitCode, said.Count(c => c == '\n')));
            Assert.StartsWith("log-sink: the record can not be opened: SQLite Error", said, StringComparison.Ordinal);
        }

        File.Delete($"{Inside}/filler");
        await using var again = await StartAsync();
        Assert.Equal(HttpStatusCode.OK, await StoreAsync(again));
        Assert.Contains("\"ok\":true", await again.Client.GetStringAsync("/verify"), StringComparison.Ordinal);
        Assert.Equal(key, File.ReadAllText($"{Inside}/log/events.db.pub"));
    }

    private static async Task<HttpStatusCode> StoreAsync(SinkProcess sink)
    {
        using var response = await RunningSink.PostAsync(sink.Client, Sample.Lines(Sample.Many(100)));
        return response.StatusCode;
    }

    private void Fill()
    {
        var block = new byte[4096];
        using var file = new FileStream($"{Inside}/filler", FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        try
        {
            while (file.Length < 1L << 30)
                file.Write(block);
        }
        catch (IOException)
        {
            // Full.
        }
    }

    public async Task DisposeAsync()
    {
        _disk.StandardInput.Close();
        await _disk.WaitForExitAsync();
        _disk.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
