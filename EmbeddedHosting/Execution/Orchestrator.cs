using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Configuration;

namespace Aspire.Hosting.Execution;

/// <summary>Starts the resources in the order of their waits, keeps the services alive, and stops everything.</summary>
internal sealed class Orchestrator
{
    private readonly Dictionary<string, ResourceRun> _runs = new(StringComparer.Ordinal);
    private readonly ConsoleLog _log = new();
    private readonly Spawner _spawner = new();
    private readonly HostStateFile? _state;
    private readonly bool _exitWithAgent;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _started;

    public Orchestrator(IEnumerable<IResource> resources, IConfiguration configuration)
    {
        var runDirectory = configuration["Gatehouse:RunDirectory"] ?? Environment.GetEnvironmentVariable("GATEHOUSE_RUN");
        foreach (var project in resources.OfType<ProjectResource>())
            _runs.Add(project.Name, new(project, _spawner, _log, runDirectory));
        _state = runDirectory is null ? null : new(runDirectory, _runs.Values);
        _exitWithAgent = string.Equals(configuration["Gatehouse:ExitWithAgent"], "true", StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>The agent ended and that ends the host, or a service could not be kept alive.</summary>
    public Task Ended => _ended.Task;

    public int ExitCode { get; private set; }

    /// <exception cref="InvalidOperationException">There is no such resource.</exception>
    public ResourceRun Find(string name) => _runs.GetValueOrDefault(name) ?? throw new InvalidOperationException($"there is no resource named '{name}'");

    public Task StartAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (Interlocked.Exchange(ref _started, 1) != 0)
            return Task.CompletedTask;
        foreach (var run in _runs.Values)
        {
            if (_state is not null)
                run.Changed = _state.Write;
            run.Start([.. run.Resource.WaitsFor.Select(other => _runs.GetValueOrDefault(other.Name)).OfType<ResourceRun>()]);
            _ = WatchAsync(run);
        }

        _ = AnnounceAsync();
        return Task.CompletedTask;
    }

    /// <summary>Those that others wait for are stopped last. Idempotent.</summary>
    public async Task StopAsync()
    {
        if (Interlocked.Exchange(ref _started, 2) != 1)
            return;
        var left = _runs.Values.ToList();
        while (left.Count > 0)
        {
            var leaves = left.Where(run => !left.Exists(other => other.Resource.WaitsFor.Contains(run.Resource))).ToList();
            if (leaves.Count == 0)
                leaves = left;
            await Task.WhenAll(leaves.Select(run => run.StopAsync()));
            left = [.. left.Except(leaves)];
        }

        _state?.Delete();
        _spawner.Dispose();
    }

    private async Task WatchAsync(ResourceRun run)
    {
        await run.Finished;
        if (_started != 1)
            return;
        if (run.Resource.HealthPath is not null)
        {
            // A topology without one of its gates is none: better down, and said so, than half up.
            ExitCode = 69;
            _ended.TrySetResult();
        }
        else if (_exitWithAgent)
        {
            ExitCode = run.ExitCode;
            _ended.TrySetResult();
        }
    }

    private async Task AnnounceAsync()
    {
        try
        {
            await Task.WhenAll(_runs.Values.Select(run => run.Healthy));
            _log.Say("host", "Gatehouse is ready.");
        }
        catch (InvalidOperationException)
        {
            // Said where it happened.
        }
    }
}
