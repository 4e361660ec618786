using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Execution;
using Aspire.Hosting.Testing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Aspire.Hosting;

internal sealed class DistributedApplicationBuilder : IDistributedApplicationBuilder
{
    private readonly List<IResource> _resources = [];

    public DistributedApplicationBuilder(string[] args)
    {
        Configuration.AddEnvironmentVariables().AddCommandLine(args);
    }

    public ConfigurationManager Configuration { get; } = new();

    public required string AppHostDirectory { get; init; }

    public IServiceCollection Services { get; } = new ServiceCollection();

    public IResourceBuilder<T> AddResource<T>(T resource)
        where T : IResource
    {
        if (_resources.Any(other => other.Name == resource.Name))
            throw new InvalidOperationException($"there are two resources named '{resource.Name}'");
        _resources.Add(resource);
        return new ResourceBuilder<T>(this, resource);
    }

    public DistributedApplication Build()
    {
        EntryPointCapture.Current?.Reach(this);
        return BuildApplication();
    }

    internal DistributedApplication BuildApplication() => new(new Orchestrator(_resources, Configuration), Services.BuildServiceProvider());
}
