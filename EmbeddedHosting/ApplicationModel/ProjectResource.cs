namespace Aspire.Hosting.ApplicationModel;

/// <summary>A .NET project that runs as a process.</summary>
public class ProjectResource(string name) : IResourceWithEnvironment, IResourceWithArgs, IResourceWithServiceDiscovery, IResourceWithWaitSupport
{
    public string Name { get; } = name;

    internal string? TargetPath { get; init; }

    internal List<string> Arguments { get; } = [];

    internal List<(string Name, Func<string?> Value)> Environment { get; } = [];

    internal List<ProjectResource> References { get; } = [];

    internal List<IResource> WaitsFor { get; } = [];

    /// <summary>The loopback port of its endpoint named http; null when it has none.</summary>
    internal int? Port { get; set; }

    internal string? HealthPath { get; set; }

    internal string Url => $"http://127.0.0.1:{Port}";
}
