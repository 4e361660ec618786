// The topology of Gatehouse, read top-down: the record first, then the gates that write it, then the agent behind them.
// Every arrow is a reference or a wait; what is not written here can not be reached.
using Aspire.Hosting.ApplicationModel;

var builder = DistributedApplication.CreateBuilder(args);

#if ASPIRE
builder.PublishToCompose();
#endif

// What gates and log sink know each other by. Made anew at every start, never written down.
var token = builder.AddParameter("gate-token", new GenerateParameterDefault { MinLength = 40, Special = false }, secret: true);

// The record: append-only, chained, with no address that an enclosure could dial.
var log = builder.AddProject<Projects.LogSink>("log-sink")
    .WithHttpEndpoint()
    .WithHttpHealthCheck("/health")
    .WithEnvironment("Gatehouse__Token", token);

// Names: an allowed name gets a gate address, every other is refused and never asked for upstream.
var dns = builder.AddProject<Projects.DnsResolver>("dns-resolver")
    .WithHttpEndpoint()
    .WithHttpHealthCheck("/health")
    .WithEnvironment("Gatehouse__Token", token)
    .WithReference(log);

// The way out: CONNECT, transparent TLS and HTTP, other TCP by name. Asks the resolver, never a name server.
var egress = builder.AddProject<Projects.EgressProxy>("egress-proxy")
    .WithHttpEndpoint()
    .WithHttpHealthCheck("/health")
    .WithEnvironment("Gatehouse__Token", token)
    .WithReference(log)
    .WithReference(dns);

// Credentials: the only process that holds one. It checks the call, injects the key, calls, and returns the answer.
var secrets = builder.AddProject<Projects.SecretsGateway>("secrets-gateway")
    .WithHttpEndpoint()
    .WithHttpHealthCheck("/health")
    .WithEnvironment("Gatehouse__Token", token)
    .WithReference(log);

// The agent, in its enclosure. 'gatehouse up' runs everything but it (--Gatehouse:Agent=none).
if (builder.Configuration["Gatehouse:Agent"] != "none")
{
    var demo = Path.Combine(builder.AppHostDirectory, "..", "examples", "demo");
    var policy = builder.Configuration["Gatehouse:Policy"];

    var agent = builder.AddProject<Projects.AgentSandbox>("agent")
        .WithArgs("run", "--policy", policy ?? Path.Combine(demo, "gatehouse.yaml"))
        .WaitFor(log)
        .WaitFor(dns)
        .WaitFor(egress)
        .WaitFor(secrets);

    // Without a policy of one's own it is the demo, whose little internet is part of it.
    if (policy is null)
    {
        var key = builder.AddParameter("demo-api-key", new GenerateParameterDefault { MinLength = 32, Special = false }, secret: true);
        var origin = builder.AddProject<Projects.DemoOrigin>("demo-origin")
            .WithHttpEndpoint()
            .WithHttpHealthCheck("/health")
            .WithEnvironment("Demo__CaFile", Path.Combine(demo, "ca.pem"))
            .WithEnvironment("Demo__ApiKey", key);
        agent.WithEnvironment("DEMO_API_KEY", key).WaitFor(origin);
    }
}

builder.Build().Run();
