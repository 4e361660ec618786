using System.Net;
using System.Net.Sockets;
using Gatehouse.EgressProxy.Asking;
using Gatehouse.EgressProxy.Decisions;
using Gatehouse.EgressProxy.Destinations;
using Gatehouse.Policy.Egress;
using Gatehouse.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Gatehouse.EgressProxy.Tests.Asking;

[Collection(Alone.Name)]
public sealed class AskDeskTests : IDisposable
{
    private const string Policy = "version: 1\nagent: { command: [sh] }\negress: { otherwise: ask, askTimeout: 1s }\n";

    private readonly TestSession _session = TestSession.Create(Policy);
    private readonly ClockThatIsSet _time = new();
    private ServiceProvider? _services;

    public void Dispose()
    {
        _session.Dispose();
        _services?.Dispose();
    }

    private AskDesk Create(Uri sink)
    {
        var services = new ServiceCollection();
        services.AddHttpClient(AskClient.ClientName, http => http.BaseAddress = sink);
        services.ConfigureHttpClientDefaults(http => http.RemoveAllLoggers());
        _services = services.BuildServiceProvider();
        return new(new AskClient(_services.GetRequiredService<IHttpClientFactory>(), _time), Options.Create(new EgressOptions()), _time);
    }

    private Task<Denial> AskAsync(AskDesk desk)
    {
        var to = new Destination(RemoteHost.Of(IPAddress.Parse("9.9.9.9")), 443);
        var rule = new EgressRule { Name = "egress.otherwise", Ports = [443], Ask = true };
        return desk.AskAsync(_session.Session, to, rule, left => Task.Delay(Timeout.Infinite, left), _session.Session.Ended);
    }

    [Fact]
    public async Task Ask_WhenTheClockIsSetBack_IsNotHeldAnyLonger()
    {
        await using var sink = await TestOrigin.StartAsync(configure: app =>
        {
            app.MapPost("/asks", () => Results.StatusCode(201));
            app.MapGet("/asks/{id}", async () =>
            {
                _time.Off = TimeSpan.FromHours(-5);
                await Task.Delay(50);
                return Results.Text("""{"state":"waiting","scope":"once"}""", "application/json");
            });
        });
        Assert.Equal(Denial.Unanswered, await AskAsync(Create(sink.Uri)).WaitAsync(TimeSpan.FromSeconds(30)));
    }

    /// <summary>An agent can ask and hang up hundreds of times a second, for as long as its session lasts.</summary>
    [Fact]
    public async Task Ask_AgainAndAgain_LeavesNothingBehindForTheSession()
    {
        const int Rounds = 2_000;
        // Nobody listens: each ask ends at once.
        using var closed = new Socket(SocketType.Stream, ProtocolType.Tcp);
        closed.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var desk = Create(new($"http://{closed.LocalEndPoint!}"));
        for (var i = 0; i < 200; i++)
            Assert.Equal(Denial.NobodyToAsk, await AskAsync(desk));
        // Of three, the least: what else goes on in this process is not kept by each.
        var kept = long.MaxValue;
        for (var i = 0; i < 3; i++)
        {
            var before = GC.GetTotalMemory(forceFullCollection: true);
            for (var j = 0; j < Rounds; j++)
                await AskAsync(desk);
            kept = Math.Min(kept, (GC.GetTotalMemory(forceFullCollection: true) - before) / Rounds);
        }

        Assert.InRange(kept, long.MinValue, 60);
    }

    private sealed class ClockThatIsSet : TimeProvider
    {
        public TimeSpan Off { get; set; }

        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + Off;
    }
}

/// <summary>What measures this process.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    public const string Name = "alone";
}
