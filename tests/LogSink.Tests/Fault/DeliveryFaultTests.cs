using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text.Json;
using Gatehouse.LogSink.Tests.Support;

namespace Gatehouse.LogSink.Tests.Fault;

/// <summary>
/// A gate's recorder and the sink, each a process of its own with a small disk of its own, under load; at moments nobody chose one of them is killed, or both,
/// one disk or both are full for a while, the sink is held up as by a slow disk, or a clock jumps. What the recorder acknowledged is in the record, once.
/// </summary>
public sealed partial class DeliveryFaultTests : IAsyncLifetime
{
    private const int Rounds = 100;
    private const int SigStop = 19, SigCont = 18;

    private readonly string _folder = Directory.CreateTempSubdirectory("delivery-").FullName;
    private readonly ConcurrentQueue<Guid> _acknowledged = new();
    private readonly int _port = FreePort();
    private Process _disk = null!;
    private SinkProcess? _sink;
    private Process? _recorder;
    private Task _reading = Task.CompletedTask;
    private Task<string> _complaint = Task.FromResult("");

    private string GateDisk => Path.Combine(_folder, "gate");

    private string SinkDisk => Path.Combine(_folder, "sink");

    /// <summary>A path on one of the disks as this process sees it.</summary>
    private string Inside(string path) => $"/proc/{_disk.Id}/root{path}";

    /// <summary>What runs a command where the disks are.</summary>
    private string[] OnDisk => ["nsenter", "-t", _disk.Id.ToString(CultureInfo.InvariantCulture), "-U", "-m", "--preserve-credentials"];

    public async Task InitializeAsync()
    {
        Directory.CreateDirectory(GateDisk);
        Directory.CreateDirectory(SinkDisk);
        // It holds the mount namespace: the disks outlive whoever is killed.
        _disk = Process.Start(new ProcessStartInfo("unshare", ["-r", "-m", "sh", "-c", $"mount -t tmpfs -o size=48m none '{GateDisk}' && mount -t tmpfs -o size=192m none '{SinkDisk}' && echo ready && exec cat"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        Assert.Equal("ready", await _disk.StandardOutput.ReadLineAsync());
    }

    [Fact]
    public async Task HundredFaultsUnderLoad_LoseNothingThatWasAcknowledged_AndStoreNothingTwice()
    {
        var seed = Environment.TickCount;
        var done = new SortedDictionary<string, int>();
        try
        {
            await FailAgainAndAgainAsync(new Random(seed), done);
            await VerifyAsync();
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"seed {seed}, faults {string.Join(", ", done.Select(each => $"{each.Key} {each.Value}"))}", e);
        }

        Assert.Equal(["both", "gate's clock", "gate's disk", "recorder", "sink", "sink held up", "sink's clock", "sink's disk"], done.Keys);
    }

    private async Task FailAgainAndAgainAsync(Random random, SortedDictionary<string, int> done)
    {
        for (var round = 0; round < Rounds; round++)
        {
            await RunBothAsync();
            // Otherwise most faults would hit processes that only start.
            await AcknowledgedMoreThanAsync(_acknowledged.Count + 20);
            await Task.Delay(random.Next(120));
            var fault = random.Next(9) switch
            {
                < 2 => "recorder",
                2 => "sink",
                3 => "both",
                4 => "gate's disk",
                5 => "sink's disk",
                6 => "sink held up",
                7 => "gate's clock",
                _ => "sink's clock",
            };
            done[fault] = done.GetValueOrDefault(fault) + 1;
            await FailAsync(fault, random);
        }
    }

    private async Task VerifyAsync()
    {
        await RunBothAsync();
        await AcknowledgedMoreThanAsync(_acknowledged.Count + 20);
        _recorder!.StandardInput.Close();
        await _recorder.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30));
        await _reading;
        var stored = await StoredRecords.ReadAsync(_sink!.Client);

        Assert.Equal(0, new FileInfo(Inside(Path.Combine(GateDisk, "state/spool/egress.ndjson"))).Length);
        Assert.Equal(stored.Count, stored.Select(each => each.Id).Distinct().Count());
        Assert.Equal(Enumerable.Range(1, stored.Count).Select(i => (long)i), stored.Select(each => each.Sequence));
        var lost = _acknowledged.Except(stored.Select(each => each.Id)).ToList();
        Assert.True(lost.Count == 0, $"{lost.Count} of {_acknowledged.Count} acknowledged events are not in the record");
        using var verified = JsonDocument.Parse(await _sink.Client.GetStringAsync("/verify"));
        Assert.True(verified.RootElement.GetProperty("ok").GetBoolean(), verified.RootElement.ToString());
        Assert.Equal(stored.Count, verified.RootElement.GetProperty("records").GetInt32());
    }

    private async Task FailAsync(string fault, Random random)
    {
        switch (fault)
        {
            case "recorder":
                await KillRecorderAsync();
                break;
            case "sink":
                await KillSinkAsync();
                break;
            case "both":
                await KillRecorderAsync();
                await KillSinkAsync();
                break;
            case "gate's disk" or "sink's disk":
                await FillAsync(random.Next(3) == 0 ? [GateDisk, SinkDisk] : fault == "gate's disk" ? [GateDisk] : [SinkDisk], random);
                break;
            case "sink held up":
                _ = Signal(_sink!.Process.Id, SigStop);
                await Task.Delay(random.Next(50, 500));
                _ = Signal(_sink.Process.Id, SigCont);
                break;
            default:
                var clock = (fault == "gate's clock" ? _recorder! : _sink!.Process).StandardInput;
                await clock.WriteLineAsync(random.Next(-100_000, 100_000).ToString(CultureInfo.InvariantCulture));
                await clock.FlushAsync();
                break;
        }
    }

    private async Task FillAsync(string[] disks, Random random)
    {
        var fillers = disks.Select(disk => Inside(Path.Combine(disk, "filler"))).ToList();
        fillers.ForEach(Fill);
        await Task.Delay(random.Next(50, 300));
        // Killed while nothing can be written, a gate has promised nothing.
        if (random.Next(3) == 0)
            await KillRecorderAsync();
        fillers.ForEach(File.Delete);
    }

    private async Task RunBothAsync()
    {
        _sink ??= await SinkProcess.StartAsync(
            _folder, [.. OnDisk, "env", $"{RecorderProgram.IsSink}=1"], [$"--urls=http://127.0.0.1:{_port}", $"--LogSink:Database={SinkDisk}/log/events.db"], RecorderProgram.Path);
        if (_recorder is not null)
            return;
        string[] command = [.. OnDisk, "dotnet", RecorderProgram.Path, GateDisk, $"http://127.0.0.1:{_port}"];
        _recorder = Process.Start(new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true })!;
        _reading = ReadAcknowledgedAsync(_recorder.StandardOutput);
        _complaint = _recorder.StandardError.ReadToEndAsync();
    }

    private async Task ReadAcknowledgedAsync(StreamReader output)
    {
        // The last line of one that was killed may be a part.
        while (await output.ReadLineAsync() is { } line)
        {
            if (Guid.TryParseExact(line, "D", out var id))
                _acknowledged.Enqueue(id);
        }
    }

    private async Task AcknowledgedMoreThanAsync(int count)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (_acknowledged.Count <= count)
        {
            if (_recorder!.HasExited)
                Assert.Fail($"the recorder has ended: {await _complaint}");
            Assert.False(timeout.IsCancellationRequested, $"the recorder acknowledged {_acknowledged.Count} events, and nothing more within 60 s");
            await Task.Delay(10, CancellationToken.None);
        }
    }

    private async Task KillRecorderAsync()
    {
        if (_recorder is null)
            return;
        _recorder.Kill();
        await _recorder.WaitForExitAsync();
        await _reading;
        _recorder.Dispose();
        _recorder = null;
    }

    private async Task KillSinkAsync()
    {
        if (_sink is null)
            return;
        await _sink.DisposeAsync();
        _sink = null;
    }

    private static void Fill(string path)
    {
        var block = new byte[64 * 1024];
        using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
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

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    public async Task DisposeAsync()
    {
        await KillRecorderAsync();
        await KillSinkAsync();
        _disk.StandardInput.Close();
        await _disk.WaitForExitAsync();
        _disk.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Signal(int process, int signal);
}
