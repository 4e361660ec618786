namespace Gatehouse.SecretsGateway.Tests.Support;

/// <summary>One gateway and one sink for all tests that need nothing special; each test opens sessions of its own.</summary>
public sealed class GatewayFixture : IAsyncLifetime
{
    public TestSink Sink { get; private set; } = null!;

    public GatewayProcess Gateway { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        Sink = await TestSink.StartAsync();
        Gateway = await GatewayProcess.StartAsync(Sink.Url,
            ("SecretsGateway__MaxRequestBodyBytes", "8388608"), ("SecretsGateway__ActivityTimeout", "00:00:02"), ("SecretsGateway__MaxConcurrentRequests", "4"));
        await Gateway.WaitUntilReadyAsync();
    }

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
