using Aspire.Hosting.Execution;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>A change in a resource's state.</summary>
public class ResourceEvent(IResource resource)
{
    public IResource Resource { get; } = resource;
}

/// <summary>Tells when resources get somewhere.</summary>
public class ResourceNotificationService
{
    private readonly Orchestrator _orchestrator;

    internal ResourceNotificationService(Orchestrator orchestrator) => _orchestrator = orchestrator;

    /// <exception cref="InvalidOperationException">There is no such resource, or it ended for good.</exception>
    public async Task<ResourceEvent> WaitForResourceHealthyAsync(string resourceName, CancellationToken cancellationToken = default)
    {
        var run = _orchestrator.Find(resourceName);
        await run.Healthy.WaitAsync(cancellationToken);
        return new(run.Resource);
    }

    /// <param name="resourceName">Which.</param>
    /// <param name="targetState"><c>Running</c> or <c>Finished</c>.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public Task WaitForResourceAsync(string resourceName, string? targetState = null, CancellationToken cancellationToken = default)
    {
        var run = _orchestrator.Find(resourceName);
        return (targetState is "Finished" or "Exited" ? run.Finished : run.Healthy).WaitAsync(cancellationToken);
    }
}
