using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;

namespace Gatehouse.EmbeddedHosting.Tests;

public sealed class PortTests
{
    /// <summary>The kernel gives those above to whoever connects somewhere, also before the service listens.</summary>
    [Fact]
    public void Ports_OfServices_AreAllDifferentAndBelowTheKernelsChoices()
    {
        var builder = DistributedApplication.CreateBuilder([]);
        var ports = Enumerable.Range(0, 300).Select(i => builder.AddResource(new ProjectResource($"service-{i}")).WithHttpEndpoint().Resource.Port).ToList();
        Assert.All(ports, port => Assert.InRange(port ?? 0, 20_000, 32_767));
        Assert.Equal(ports.Count, ports.Distinct().Count());
    }
}
