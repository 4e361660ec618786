using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Gatehouse.Benchmarks;

/// <summary>
/// What recording costs each gate: the gates in a process of their own, once with the real recorder and a real log sink and once with one that keeps nothing,
/// under the same load from here, in turn. The figure is the gate's own processor time for one attempt; the sink's is not in it.
/// </summary>
internal static class GateCost
{
    private const int Rounds = 5;
    private const int Clients = 8;

    /// <summary>A session may ask 200 a second; the host has 60 sessions.</summary>
    private const int QuestionsPerSecond = 6_000;

    /// <summary>What a build asks for again and again.</summary>
    private const int Names = 10;

    private const int Large = 256 * 1024;

    private static readonly byte[] s_answer = Answer(2), s_large = Answer(Large);

    private static readonly string s_request = "GET http://allowed.test/ HTTP/1.1\r\nHost: allowed.test\r\n\r\n";

    public static async Task<int> RunAsync(int seconds)
    {
        var folder = Directory.CreateTempSubdirectory("gate-cost-").FullName;
        using var origin = Origin();
        try
        {
            await using var sink = await RecordLoad.Sink.StartAsync(folder);
            var port = ((IPEndPoint)origin.LocalEndpoint).Port.ToString(CultureInfo.InvariantCulture);
            await using var none = await GateProcess.StartAsync("none", port);
            await using var real = await GateProcess.StartAsync(sink.Client.BaseAddress!.ToString(), port);
            (string Name, Func<GateProcess, int, Func<Task<long>>> Client)[] loads =
            [
                ("dns: a question, each name new", (gate, client) => Questions(gate, client, newNames: true)),
                ("dns: a question, the same ten names", (gate, client) => Questions(gate, client, newNames: false)),
                ("egress: a request on a kept connection", (gate, _) => Requests(gate.Egress, s_request, 500)),
                ("egress: a request, each on a new connection", (gate, _) => Requests(gate.Egress, s_request, 1)),
                ("egress: a tunnel, 256 KiB through each", (gate, _) => Tunnels(gate.Egress)),
                ("secrets: a call on a kept connection", (gate, _) => Requests(gate.Secrets, "GET /api/v1/x HTTP/1.1\r\nHost: secrets.gatehouse\r\n\r\n", 500)),
            ];
            foreach (var (name, client) in loads)
                await CompareAsync(name, client, none, real, seconds);
            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task CompareAsync(string name, Func<GateProcess, int, Func<Task<long>>> client, GateProcess none, GateProcess real, int seconds)
    {
        await LoadAsync(none, client, TimeSpan.FromSeconds(seconds));
        await LoadAsync(real, client, TimeSpan.FromSeconds(seconds));
        var without = new List<Measured>();
        var with = new List<Measured>();
        for (var round = 0; round < Rounds; round++)
        {
            without.Add(await LoadAsync(none, client, TimeSpan.FromSeconds(seconds)));
            with.Add(await LoadAsync(real, client, TimeSpan.FromSeconds(seconds)));
        }

        var (a, b) = (Median(without, each => each.Cpu), Median(with, each => each.Cpu));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{name,-46} processor {a,6:0.0} → {b,6:0.0} µs ({(b / a) - 1,6:+0.0 %;-0.0 %})   latency {Median(without, each => each.Latency),6:0} → {Median(with, each => each.Latency),6:0} µs   {Median(without, each => each.Rate),7:0} → {Median(with, each => each.Rate),7:0} a second"));
    }

    private static double Median(List<Measured> rounds, Func<Measured, double> value) => rounds.Select(value).Order().ElementAt(rounds.Count / 2);

    private static async Task<Measured> LoadAsync(GateProcess gate, Func<GateProcess, int, Func<Task<long>>> client, TimeSpan time)
    {
        var before = RecordLoad.Cpu(gate.Process);
        var start = Stopwatch.GetTimestamp();
        var latencies = await Task.WhenAll(Enumerable.Range(0, Clients).Select(i => Task.Run(async () =>
        {
            var each = new List<long>();
            var attempt = client(gate, i);
            while (Stopwatch.GetElapsedTime(start) < time)
            {
                each.Add(await attempt());
            }

            return each;
        })));
        var took = Stopwatch.GetElapsedTime(start);
        await Task.Delay(500); // What waits in the spool is delivered, and counts.
        var cpu = RecordLoad.Cpu(gate.Process) - before;
        var all = latencies.SelectMany(each => each).Order().ToList();
        return new(cpu.TotalMicroseconds / all.Count, all[all.Count / 2] * 1e6 / Stopwatch.Frequency, all.Count / took.TotalSeconds);
    }

    private static Func<Task<long>> Questions(GateProcess gate, int client, bool newNames)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        var asked = 0;
        var answer = new byte[1_500];
        var began = Stopwatch.GetTimestamp();
        return async () =>
        {
            while (asked >= Stopwatch.GetElapsedTime(began).TotalSeconds * QuestionsPerSecond / Clients)
                await Task.Delay(1);
            var start = Stopwatch.GetTimestamp();
            var name = newNames
                ? string.Create(CultureInfo.InvariantCulture, $"n{asked}c{client}t{Stopwatch.GetTimestamp()}")
                : string.Create(CultureInfo.InvariantCulture, $"name{asked / gate.Dns.Length % Names}");
            byte[] question = [0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, (byte)name.Length, .. Encoding.ASCII.GetBytes(name), 4, .. "wild"u8, 4, .. "test"u8, 0, 0, 1, 0, 1];
            await socket.SendToAsync(question, gate.Dns[asked++ % gate.Dns.Length]);
            using var late = new CancellationTokenSource(TimeSpan.FromSeconds(5));
            var received = await socket.ReceiveFromAsync(answer, SocketFlags.None, new IPEndPoint(IPAddress.Any, 0), late.Token);
            if (received.ReceivedBytes < 12 || (answer[3] & 0xf) != 0)
                throw new InvalidOperationException($"RCODE {answer[3] & 0xf}");
            return Stopwatch.GetTimestamp() - start;
        };
    }

    private static Func<Task<long>> Requests(IPEndPoint gate, string request, int perConnection)
    {
        var bytes = Encoding.ASCII.GetBytes(request);
        var buffer = new byte[8_192];
        Socket? socket = null;
        var sent = 0;
        return async () =>
        {
            var start = Stopwatch.GetTimestamp();
            if (socket is null || sent++ % perConnection == 0)
            {
                socket?.Dispose();
                socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                await socket.ConnectAsync(gate);
            }

            await ExchangeAsync(socket, bytes, buffer);
            return Stopwatch.GetTimestamp() - start;
        };
    }

    private static Func<Task<long>> Tunnels(IPEndPoint gate)
    {
        byte[] connect = [.. "CONNECT allowed.test:80 HTTP/1.1\r\nHost: allowed.test:80\r\n\r\n"u8];
        byte[] request = [.. "GET /large HTTP/1.1\r\nHost: allowed.test\r\n\r\n"u8];
        var buffer = new byte[Large + 1024];
        return async () =>
        {
            var start = Stopwatch.GetTimestamp();
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(gate);
            await ExchangeAsync(socket, connect, buffer, "\r\n\r\n");
            await ExchangeAsync(socket, request, buffer);
            return Stopwatch.GetTimestamp() - start;
        };
    }

    private static async Task ExchangeAsync(Socket socket, byte[] request, byte[] buffer, string end = "ok")
    {
        await socket.SendAsync(request);
        var length = 0;
        while (!buffer.AsSpan(0, length).EndsWith(Encoding.ASCII.GetBytes(end)))
        {
            using var late = new CancellationTokenSource(TimeSpan.FromSeconds(5));
            var read = await socket.ReceiveAsync(buffer.AsMemory(length), SocketFlags.None, late.Token);
            if (read == 0)
                throw new InvalidOperationException(Encoding.ASCII.GetString(buffer, 0, length));
            length += read;
        }

        if (!buffer.AsSpan().StartsWith("HTTP/1.1 200"u8))
            throw new InvalidOperationException(Encoding.ASCII.GetString(buffer, 0, length));
    }

    private static byte[] Answer(int length) =>
        Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n") + new string('x', length - 2) + "ok");

    private static TcpListener Origin()
    {
        var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start(512);
        _ = Task.Run(async () =>
        {
            while (true)
            {
                var socket = await listener.AcceptSocketAsync();
                socket.NoDelay = true;
                _ = Task.Run(() => AnswerAsync(socket));
            }
        });
        return listener;
    }

    private static async Task AnswerAsync(Socket socket)
    {
        using (socket)
        {
            var buffer = new byte[16 * 1024];
            var length = 0;
            while (await socket.ReceiveAsync(buffer.AsMemory(length)) is > 0 and var read)
            {
                length += read;
                if (!buffer.AsSpan(0, length).EndsWith("\r\n\r\n"u8))
                    continue;
                var answer = buffer.AsSpan().StartsWith("GET /large"u8) ? s_large : s_answer;
                length = 0;
                await socket.SendAsync(answer);
            }
        }
    }

    private readonly record struct Measured(double Cpu, double Latency, double Rate);
}
