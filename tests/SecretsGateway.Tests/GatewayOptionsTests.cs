using Gatehouse.SecretsGateway.Tests.Support;
using Gatehouse.TestKit;

namespace Gatehouse.SecretsGateway.Tests;

public class GatewayOptionsTests
{
    [Fact]
    public void Options_Default_AreValid() => Assert.True(new GatewayOptions.Validation().Validate(null, new()).Succeeded);

    [Fact]
    public void Options_WithSeveralErrors_NameThemAll()
    {
        var result = new GatewayOptions.Validation().Validate(null, new()
        {
            MaxRequestBodyBytes = -1,
            MaxConcurrentRequests = 0,
            MaxRequestHeadersBytes = 1,
            RequestHeadersTimeout = TimeSpan.Zero,
            KeepAliveTimeout = TimeSpan.FromDays(1),
            ConnectTimeout = TimeSpan.Zero,
            ActivityTimeout = TimeSpan.Zero,
        });
        Assert.Equal(7, result.Failures!.Count());
        Assert.All(result.Failures!, failure => Assert.StartsWith("SecretsGateway:", failure, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Gateway_WithWrongOptions_DoesNotStart()
    {
        await using var sink = await LogSinkStub.StartAsync();
        var failed = await Assert.ThrowsAsync<InvalidOperationException>(() => GatewayProcess.StartAsync(sink, ("SecretsGateway__MaxConcurrentRequests", "0")));
        Assert.Contains("SecretsGateway:MaxConcurrentRequests must be 1 to 1024", failed.Message, StringComparison.Ordinal);
    }
}
