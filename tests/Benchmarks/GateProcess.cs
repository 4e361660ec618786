using System.Diagnostics;
using System.Net;
using System.Text.Json;
using Gatehouse.DnsResolver.Sessions;
using Gatehouse.DnsResolver.Upstream;
using Gatehouse.EgressProxy;
using Gatehouse.EgressProxy.Sessions;
using Gatehouse.Gate;
using Gatehouse.Gate.Handover;
using Gatehouse.Gate.Kestrel;
using Gatehouse.Gate.Recording;
using Gatehouse.Policy;
using Gatehouse.Policy.Events;
using Gatehouse.SecretsGateway;
using Gatehouse.SecretsGateway.Forwarding;
using Gatehouse.SecretsGateway.Sessions;
using Gatehouse.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace Gatehouse.Benchmarks;

/// <summary>The three gates in one process, with sessions that a load can dial, as their programs host them but for the recorder.</summary>
internal sealed class GateProcess(Process process, IPEndPoint[] dns, IPEndPoint egress, IPEndPoint secrets) : IAsyncDisposable
{
    /// <summary>Sessions share the questions: each may ask 200 a second.</summary>
    private const int DnsSessions = 60;

    public Process Process => process;

    public IPEndPoint[] Dns => dns;

    public IPEndPoint Egress => egress;

    public IPEndPoint Secrets => secrets;

    /// <param name="sink">Where to record, or <c>none</c>.</param>
    /// <param name="origin">Port of the origin on loopback.</param>
    public static async Task<GateProcess> StartAsync(string sink, string origin)
    {
        var process = Process.Start(new ProcessStartInfo("dotnet", [typeof(GateProcess).Assembly.Location, "gate-host", sink, origin])
        {
            RedirectStandardOutput = true,
            RedirectStandardInput = true,
        })!;
        var line = await process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException("the gates did not start");
        var ports = JsonSerializer.Deserialize<int[]>(line)!;
        IPEndPoint At(int port) => new(IPAddress.Loopback, port);
        return new(process, [.. ports.Skip(2).Select(At)], At(ports[0]), At(ports[1]));
    }

    /// <summary>The process itself: hosts until its input ends.</summary>
    public static async Task<int> HostAsync(string sink, string origin)
    {
        using var folder = new TempFolder();
        var none = sink == "none" ? new NoRecorder() : null;
        void Recording(WebApplicationBuilder builder)
        {
            if (none is not null)
                builder.Services.AddSingleton<EventRecorder>(none);
            else
                builder.Configuration["Recorder:Sink"] = sink;
            builder.Configuration["Gatehouse:Token"] = RecordLoad.Token;
        }

        await using var dns = await TestGate.StartAsync<DnsGate>("dns", Boundary.Dns, builder =>
        {
            builder.Services.AddSingleton(services => (DnsGate)services.GetRequiredService<IGate>()).AddSingleton<UpstreamResolver>();
            builder.Services.AddOptions<ResolverOptions>();
            Recording(builder);
        });
        await using var egress = await TestGate.StartAsync<EgressGate>("egress", Boundary.Egress, builder =>
        {
            builder.Configuration["Egress:Resolver"] = "http://127.0.0.1:1";
            builder.AddEgress();
            Recording(builder);
        }, app => app.UseEgress());
        await using var secrets = await TestGate.StartAsync<SecretsGate>("secrets", Boundary.Secrets, builder =>
        {
            builder.Services.AddOptions<GatewayOptions>();
            builder.Services.AddSingleton(services => (SecretsGate)services.GetRequiredService<IGate>()).AddSingleton<CallEndpoint>().AddSingleton<CallForwarder>();
            builder.Services.AddHttpForwarder();
            builder.WebHost.UseSessionConnections();
            builder.WebHost.ConfigureKestrel(SessionLimits.Apply);
            Recording(builder);
        }, app => app.RunSessions(app.Services.GetRequiredService<CallEndpoint>().InvokeAsync));

        var key = folder.Write("key", "sk-benchmark");
        List<TestLease> leases = [];
        var proxy = TestSockets.Listen(SocketPurpose.ExplicitProxy);
        var calls = TestSockets.Listen(SocketPurpose.Secrets);
        List<int> ports = [proxy.Description.Port, calls.Description.Port];
        leases.Add(await egress.OpenSessionAsync($"version: 1\nagent: {{ command: [sh] }}\negress:\n  allow:\n    - {{ host: allowed.test, ports: [80], connect: \"127.0.0.1:{origin}\" }}\n", proxy));
        leases.Add(await secrets.OpenSessionAsync($$"""
            version: 1
            agent: { command: [sh] }
            secrets:
              - name: api
                upstream: http://127.0.0.1:{{origin}}
                from: file:{{key}}
                inject: { header: x-api-key, value: "{secret}" }
                allow:
                  - { method: [GET], path: /v1/** }
            """, calls));
        for (var i = 0; i < DnsSessions; i++)
        {
            var questions = TestSockets.Udp();
            ports.Add(questions.Description.Port);
            leases.Add(await dns.OpenSessionAsync("version: 1\nagent: { command: [sh] }\negress:\n  allow:\n    - host: \"*.wild.test\"\n", questions));
        }

        Console.WriteLine(JsonSerializer.Serialize(ports));
        while (await Console.In.ReadLineAsync() is not null)
        {
            // Until the other side is done.
        }

        leases.ForEach(lease => lease.Dispose());
        return 0;
    }

    public async ValueTask DisposeAsync()
    {
        process.StandardInput.Close();
        using var late = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        await process.WaitForExitAsync(late.Token);
        process.Dispose();
    }

    /// <summary>Takes everything and keeps nothing: what a gate would be without a record.</summary>
    private sealed class NoRecorder : EventRecorder
    {
        private static readonly Guid s_id = Guid.CreateVersion7();

        public override bool TryRecord(GateSession session, BoundaryEvent boundaryEvent) => true;

        public override Guid? TryRecord(GateSession session, string action, string subject, Verdict verdict, Action<EventDetail>? more = null) => s_id;

        public override void RecordEnd(
            GateSession session, Guid attempt, string action, string subject, long bytesSent, long bytesReceived, TimeSpan duration, Action<EventDetail>? more = null)
        {
        }
    }
}
