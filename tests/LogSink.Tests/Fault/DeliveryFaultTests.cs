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
/// A gate's recorder and the sink, each a process of its own, on a small disk of their own, under load; at moments nobody chose one of them is killed, or both,
/// the disk is full for a while, the sink is held up as by a slow disk, or the gate's clock jumps. What the recorder acknowledged is in the record, once.
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

    private string Disk => Path.Combine(_folder, "disk");

    /// <summary>The disk as this process sees it.</summary>
    private string Inside => $"/proc/{_disk.Id}/root{Disk}";

    /// <summary>What runs a command on the disk.</summary>
    private string[] OnDisk => ["nsenter", "-t", _disk.Id.ToString(CultureInfo.InvariantCulture), "-U", "-m", "--preserve-credentials"];

    public async Task InitializeAsync()
    {
        Directory.CreateDirectory(Disk);
        // It holds the mount namespace: the disk outlives whoever is killed.
        _disk = Process.Start(new ProcessStartInfo("unshare", ["-r", "-m", "sh", "-c", $"mount -t tmpfs -o size=64m none '{Disk}' && echo ready && exec cat"])
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
        var random = new Random(seed);
        var done = new Dictionary<string, int>();
        for (var round = 0; round < Rounds; round++)
        {
            await RunBothAsync();
            // Otherwise most faults would hit processes that only start.
            await AcknowledgedMoreThanAsync(_acknowledged.Count + 20);
            await Task.Delay(random.Next(120));
            var fault = random.Next(8) switch { < 2 => "recorder", 2 => "sink", 3 => "both", < 6 => "disk", 6 => "slow", _ => "clock" };
            done[fault] = done.GetValueOrDefault(fault) + 1;
            await FailAsync(fault, random);
        }

        await RunBothAsync();
        await AcknowledgedMoreThanAsync(_acknowledged.Count + 20);
        _recorder!.StandardInput.Close();
        await _recorder.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30));
        await _reading;
        var stored = await ReadAsync(_sink!.Client);

        var what = $"seed {seed}; {string.Join(", ", done.Select(each => $"{each.Key} {each.Value}"))}";
        Assert.True(new FileInfo(Path.Combine(Inside, "gate/state/spool/egress.ndjson")).Length == 0, $"not everything was delivered; {what}");
        Assert.Equal(stored.Count, stored.Select(each => each.Id).Distinct().Count());
        Assert.Equal(Enumerable.Range(1, stored.Count).Select(i => (long)i), stored.Select(each => each.Sequence));
        var lost = _acknowledged.Except(stored.Select(each => each.Id)).ToList();
        Assert.True(lost.Count == 0, $"{lost.Count} of {_acknowledged.Count} acknowledged events are not in the record; {what}");
        using var verified = JsonDocument.Parse(await _sink.Client.GetStringAsync("/verify"));
        Assert.True(verified.RootElement.GetProperty("ok").GetBoolean(), $"{verified.RootElement}; {what}");
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
            case "disk":
                Fill(Path.Combine(Inside, "filler"));
                await Task.Delay(random.Next(50, 300));
                // A gate that is killed while nothing can be written has promised nothing.
                if (random.Next(3) == 0)
                    await KillRecorderAsync();
                File.Delete(Path.Combine(Inside, "filler"));
                break;
            case "slow":
                _ = Signal(_sink!.Process.Id, SigStop);
                await Task.Delay(random.Next(50, 500));
                _ = Signal(_sink.Process.Id, SigCont);
                break;
            default:
                await _recorder!.StandardInput.WriteLineAsync(random.Next(-100_000, 100_000).ToString(CultureInfo.InvariantCulture));
                await _recorder.StandardInput.FlushAsync();
                break;
        }
    }

    private async Task RunBothAsync()
    {
        _sink ??= await SinkProcess.StartAsync(
            _folder, OnDisk, [$"--urls=http://127.0.0.1:{_port}", $"--LogSink:Database={Disk}/log/events.db"]);
        if (_recorder is not null)
            return;
        string[] command = [.. OnDisk, "dotnet", typeof(RecorderProgram).Assembly.Location, Path.Combine(Disk, "gate"), $"http://127.0.0.1:{_port}"];
        _recorder = Process.Start(new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardInput = true })!;
        _reading = ReadAcknowledgedAsync(_recorder.StandardOutput);
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
        for (var i = 0; _acknowledged.Count <= count; i++)
        {
            Assert.True(i < 2_000, $"the recorder acknowledged nothing more within 20 s{(_recorder!.HasExited ? "; it has ended" : "")}");
            await Task.Delay(10);
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

    private static async Task<List<(long Sequence, Guid Id)>> ReadAsync(HttpClient client)
    {
        List<(long, Guid)> records = [];
        for (var after = 0L; ;)
        {
            var lines = (await client.GetStringAsync($"/events?order=asc&limit=1000&after={after}")).Split('\n', StringSplitOptions.RemoveEmptyEntries);
            if (lines.Length == 0)
                return records;
            foreach (var line in lines)
            {
                using var each = JsonDocument.Parse(line);
                after = each.RootElement.GetProperty("sequence").GetInt64();
                records.Add((after, each.RootElement.GetProperty("id").GetGuid()));
            }
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
