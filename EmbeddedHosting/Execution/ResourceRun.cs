using System.Diagnostics;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Execution;

/// <summary>One project resource's process, over restarts.</summary>
internal sealed class ResourceRun(ProjectResource resource, Spawner spawner, ConsoleLog log, string? runDirectory)
{
    /// <summary>
    /// A service that was healthy once comes back however often it ends: what stopped it, a full disk say, may be over a minute later, and until then
    /// sessions have no way out. After 100 ms first, then twice as long each time.
    /// </summary>
    private static readonly TimeSpan s_firstRestart = TimeSpan.FromMilliseconds(100), s_lastRestart = TimeSpan.FromSeconds(30);

    /// <summary>After a run of this length the next end is a new trouble.</summary>
    private static readonly TimeSpan s_isStable = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan s_startWithin = TimeSpan.FromSeconds(60), s_stopWithin = TimeSpan.FromSeconds(5), s_probeEvery = TimeSpan.FromMilliseconds(25);

    private readonly TaskCompletionSource _healthy = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _finished = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _stopping = new();
    private Task _running = Task.CompletedTask;
    private volatile Process? _process;

    public ProjectResource Resource => resource;

    /// <summary>Fails when the resource ended for good before it was healthy.</summary>
    public Task Healthy => _healthy.Task;

    /// <summary>Ended, and is not started again.</summary>
    public Task Finished => _finished.Task;

    public int ExitCode { get; private set; }

    public string State { get; private set; } = "Waiting";

    public int? Pid => _process is { } process && State is "Running" or "Starting" ? _process!.Id : null;

    /// <summary>Raised after each change of <see cref="State"/>.</summary>
    public Action? Changed { get; set; }

    private bool IsService => resource.HealthPath is not null;

    public void Start(IReadOnlyList<ResourceRun> dependencies) => _running = RunAsync(dependencies);

    /// <summary>SIGTERM, a bounded wait, SIGKILL. Idempotent.</summary>
    public async Task StopAsync()
    {
        await _stopping.CancelAsync();
        await _running;
    }

    private async Task RunAsync(IReadOnlyList<ResourceRun> dependencies)
    {
        try
        {
            await Task.WhenAll(dependencies.Select(dependency => dependency.Healthy)).WaitAsync(_stopping.Token);
            for (var restarts = 0; ; restarts++)
            {
                var since = Stopwatch.GetTimestamp();
                await RunOnceAsync();
                if (!IsService || _stopping.IsCancellationRequested)
                    break;
                if (!_healthy.Task.IsCompletedSuccessfully)
                {
                    log.Say(resource.Name, $"ended with exit code {ExitCode}, and is not started again");
                    break;
                }

                log.Say(resource.Name, $"ended with exit code {ExitCode}; starting it again");
                if (Stopwatch.GetElapsedTime(since) > s_isStable)
                    restarts = 0;
                await Task.Delay(RestartAfter(restarts), _stopping.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped before it began, or between two runs.
        }
        catch (InvalidOperationException e)
        {
            log.Say(resource.Name, $"was not started: {e.Message}");
        }
        finally
        {
            Set(IsService ? "Exited" : "Finished");
            _healthy.TrySetException(new InvalidOperationException($"{resource.Name} ended (exit code {ExitCode}) before it was healthy"));
            _ = _healthy.Task.Exception;
            _finished.TrySetResult();
        }
    }

    internal static TimeSpan RestartAfter(int restarts) => TimeSpan.FromTicks(Math.Min(s_lastRestart.Ticks, s_firstRestart.Ticks << Math.Min(restarts, 10)));

    private async Task RunOnceAsync()
    {
        Set("Starting");
        using var process = await spawner.StartAsync(Command(), Variables());
        _process = process;
        var reading = Task.WhenAll(log.ForwardAsync(resource.Name, process.StandardOutput), log.ForwardAsync(resource.Name, process.StandardError));
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
        var probing = ProbeAsync(ended.Token);
        using (_stopping.Token.Register(() => Spawner.Terminate(process)))
        {
            try
            {
                await process.WaitForExitAsync(_stopping.Token);
            }
            catch (OperationCanceledException)
            {
                using var patience = new CancellationTokenSource(s_stopWithin);
                try
                {
                    await process.WaitForExitAsync(patience.Token);
                }
                catch (OperationCanceledException)
                {
                    log.Say(resource.Name, $"did not stop in {s_stopWithin.TotalSeconds:0} s and was killed");
                    process.Kill();
                    await process.WaitForExitAsync(CancellationToken.None);
                }
            }
        }

        await ended.CancelAsync();
        await probing;
        await Task.WhenAny(reading, Task.Delay(s_stopWithin, CancellationToken.None));
        ExitCode = process.ExitCode;
        _process = null;
    }

    private async Task ProbeAsync(CancellationToken ended)
    {
        if (!IsService)
        {
            Set("Running");
            _healthy.TrySetResult();
            return;
        }

        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromSeconds(2) };
        var since = Stopwatch.GetTimestamp();
        try
        {
            while (!await IsHealthyAsync(client, ended))
            {
                if (Stopwatch.GetElapsedTime(since) > s_startWithin)
                {
                    log.Say(resource.Name, $"was not healthy in {s_startWithin.TotalSeconds:0} s");
                    return;
                }

                await Task.Delay(s_probeEvery, ended);
            }
        }
        catch (OperationCanceledException)
        {
            return;
        }

        Set("Running");
        _healthy.TrySetResult();
    }

    private async Task<bool> IsHealthyAsync(HttpClient client, CancellationToken ended)
    {
        try
        {
            using var response = await client.GetAsync(new Uri(resource.Url + resource.HealthPath), ended);
            return response.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
        catch (OperationCanceledException) when (!ended.IsCancellationRequested)
        {
            return false;
        }
    }

    private List<string> Command() => ["dotnet", resource.TargetPath!, .. resource.Arguments];

    private Dictionary<string, string?> Variables()
    {
        var variables = new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            // Small and quick rather than fast after an hour: these are services on somebody's own machine.
            ["DOTNET_TieredPGO"] = "0",
            ["DOTNET_gcServer"] = "0",
            ["DOTNET_GCConserveMemory"] = "5",
            ["DOTNET_GCHeapHardLimit"] = "0x20000000",
            ["DOTNET_EnableDiagnostics"] = "0",
            ["OTEL_SERVICE_NAME"] = resource.Name,
            // What stays on this machine does not go through the caller's proxy.
            ["NO_PROXY"] = "127.0.0.1,localhost,log-sink,dns-resolver",
        };
        if (resource.Port is not null)
            variables["ASPNETCORE_URLS"] = resource.Url;
        if (runDirectory is not null)
            variables["GATEHOUSE_RUN"] = runDirectory;
        foreach (var reference in resource.References.Where(reference => reference.Port is not null))
        {
            variables[$"services__{reference.Name}__http__0"] = reference.Url;
            variables[reference.Name.ToUpperInvariant().Replace('-', '_') + "_HTTP"] = reference.Url;
        }

        foreach (var (name, value) in resource.Environment)
            variables[name] = value();
        return variables;
    }

    private void Set(string state)
    {
        State = state;
        Changed?.Invoke();
    }
}
