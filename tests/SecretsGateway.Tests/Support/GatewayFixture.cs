using Gatehouse.Policy.Events;
using Gatehouse.TestKit;

namespace Gatehouse.SecretsGateway.Tests.Support;

/// <summary>One gateway and one sink for all tests that need nothing special; each test opens sessions of its own.</summary>
public sealed class GatewayFixture : IAsyncLifetime
{
    public LogSinkStub Sink { get; private set; } = null!;

    public GatewayProcess Gateway { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        Sink = await LogSinkStub.StartAsync();
        Gateway = await GatewayProcess.StartAsync(Sink,
            ("SecretsGateway__MaxRequestBodyBytes", "8388608"), ("SecretsGateway__ActivityTimeout", "00:00:02"), ("SecretsGateway__MaxConcurrentRequests", "4"));
        await Gateway.WaitUntilReadyAsync();
    }

    /// <summary>The next event of the session that is as asked for; it comes by way of a queue, a spool and HTTP.</summary>
    internal Task<BoundaryEvent> WaitAsync(AgentSession session, Func<BoundaryEvent, bool> isWanted) =>
        Sink.WaitForAsync(each => each.Session == session.Id && isWanted(each));

    public async Task DisposeAsync()
    {
        await Gateway.DisposeAsync();
        await Sink.DisposeAsync();
    }
}

[CollectionDefinition(Name)]
public sealed class GatewayTests : ICollectionFixture<GatewayFixture>
{
    public const string Name = "gateway";
}
