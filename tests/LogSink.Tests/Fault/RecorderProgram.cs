using System.Globalization;
using Gatehouse.Gate;
using Gatehouse.Gate.Recording;
using Gatehouse.LogSink.Tests.Support;
using Gatehouse.Policy;
using Gatehouse.Policy.Events;
using Gatehouse.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Gatehouse.LogSink.Tests.Fault;

/// <summary>
/// A gate that does nothing but record, several at a time with a breath between two: arguments are a folder and the sink's URL. Each id that the
/// recorder acknowledged is printed, after that. A line on standard input is a number of seconds for its clock to jump; its end ends the program in good order.
/// </summary>
internal static class RecorderProgram
{
    /// <summary>An environment variable: with it the program is the sink, whose clock jumps in the same way.</summary>
    public const string IsSink = "RECORDER_PROGRAM_IS_THE_SINK";

    private const int AtOnce = 8;

    // Some two thousand attempts a second, and their ends: the gate always has something in hand, and two processors are left for what else is tested.
    private static readonly TimeSpan s_breath = TimeSpan.FromMilliseconds(4);

    private static readonly string s_long = new('x', 4_000);

    public static string Path => typeof(RecorderProgram).Assembly.Location;

    private static async Task Main(string[] arguments)
    {
        var clock = new JumpingClock();
        await (System.Environment.GetEnvironmentVariable(IsSink) is null ? RecordAsync(arguments, clock) : StoreAsync(arguments, clock));
    }

    private static async Task StoreAsync(string[] arguments, JumpingClock clock)
    {
        await using var sink = LogSinkApplication.Build(arguments, clock);
        await sink.StartAsync();
        await clock.FollowAsync();
        await sink.StopAsync();
    }

    private static async Task RecordAsync(string[] arguments, JumpingClock clock)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Configuration["Gatehouse:Token"] = RunningSink.Token;
        builder.Configuration["Recorder:Sink"] = arguments[1];
        builder.Services.AddSingleton<TimeProvider>(clock);
        builder.Services.AddSingleton(RunDirectory.Open(System.IO.Path.Combine(arguments[0], "run")));
        builder.Services.AddSingleton(StateDirectory.Open(System.IO.Path.Combine(arguments[0], "state")));
        builder.AddGate<IdleGate>("egress", Boundary.Egress);
        await using var app = builder.Build();
        await app.StartAsync();
        var recorder = app.Services.GetRequiredService<EventRecorder>();
        using var spool = TestSession.Create("version: 1\nlogging: { whenUnavailable: spool }\nagent: { command: [sh] }\n");
        using var deny = TestSession.Create("version: 1\nlogging: { whenUnavailable: deny }\nagent: { command: [sh] }\n");
        using var stop = new CancellationTokenSource();
        var recording = Enumerable.Range(0, AtOnce).Select(i => Task.Run(
            () => RecordAsync(recorder, i % 2 == 0 ? spool.Session : deny.Session, stop.Token), CancellationToken.None)).ToList();
        await clock.FollowAsync();
        await stop.CancelAsync();
        await Task.WhenAll(recording);
        await app.StopAsync();
    }

    private static async Task RecordAsync(EventRecorder recorder, GateSession session, CancellationToken stop)
    {
        for (var i = 0; !stop.IsCancellationRequested; i++)
        {
            // Some long ones: what waits while the sink is away is soon large enough to be moved to a new file.
            if (recorder.TryRecord(session, "connect", $"host{i}.example.com:443", Verdict.Allow("egress.allow[1]"), more => more["long"] = i % 4 == 0 ? s_long : null) is { } id)
            {
                // One write: the end of this process cuts no line that was printed before.
                System.Console.Out.WriteLine(id);
                if (i % 2 == 0)
                    recorder.RecordEnd(session, id, "connect.end", $"host{i}.example.com:443", 1, 2, TimeSpan.FromMilliseconds(3));
            }

            await Task.Delay(s_breath, CancellationToken.None);
        }
    }

    private sealed class JumpingClock : TimeProvider
    {
        private long _offset;

        /// <summary>Until the input ends.</summary>
        public async Task FollowAsync()
        {
            while (await global::System.Console.In.ReadLineAsync() is { } line)
                Interlocked.Exchange(ref _offset, TimeSpan.FromSeconds(int.Parse(line, CultureInfo.InvariantCulture)).Ticks);
        }

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + TimeSpan.FromTicks(Interlocked.Read(ref _offset));
    }

    private sealed class IdleGate : IGate
    {
        public ValueTask<IAsyncDisposable> OpenAsync(GateSession session, CancellationToken cancellationToken) => throw new NotSupportedException();
    }
}
