using System.Collections.Immutable;
using Gatehouse.AgentSandbox.Containers.Protocol;
using Gatehouse.AgentSandbox.Enclosure;
using Gatehouse.AgentSandbox.Launch;
using Gatehouse.AgentSandbox.Native;

namespace Gatehouse.AgentSandbox.Containers;

/// <summary>
/// An enclosure that a container engine makes. Its first process is ours and holds back the agent's program until the gates are ready; its connection
/// to this process is the container's lease: when this process is gone, however, the container ends, and the engine removes it.
/// </summary>
internal sealed class ContainerEnclosure : AgentEnclosure
{
    /// <summary>From the engine's <c>start</c> to a process: seconds on a busy machine.</summary>
    private static readonly TimeSpan s_startWithin = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan s_endWithin = TimeSpan.FromSeconds(10);

    /// <summary>The exit code by which an engine's client says that it failed itself.</summary>
    private const int ClientFailed = 125;

    private readonly EnclosureSpec _spec;
    private readonly ContainerSettings _settings;
    private readonly EngineCommand _engine;
    private ContainerMarker _marker;
    private ImageFacts? _image;
    private SpawnedProcess? _client;
    private NetworkEntry? _network;
    private HelperContainer? _helper;
    private ContainerLease? _lease;
    private bool _started, _removed, _forced, _sawTheEnd;

    private ContainerEnclosure(EnclosureSpec spec, ContainerSettings settings, EngineCommand engine)
    {
        (_spec, _settings, _engine) = (spec, settings, engine);
        _marker = new() { Session = settings.Session, Engine = engine.Name, Runtime = settings.Runtime, Containers = [settings.ContainerName, HelperContainer.NameFor(settings)] };
    }

    // The engine's client sits between: on a terminal it passes on keys, not signals; without one, its signals do not reach the agent.
    public override bool SharesTerminal => false;

    /// <summary>What the agent changed in the image's own files; set by <see cref="Dispose"/> where they are writable.</summary>
    public ImmutableArray<string> RootChanges { get; private set; } = [];

    /// <summary>Call from the main thread.</summary>
    /// <exception cref="EnclosureException">The engine, the image or a mount does not let it; the message says what to do.</exception>
    public static ContainerEnclosure Prepare(EnclosureSpec spec, ContainerSettings settings)
    {
        var enclosure = new ContainerEnclosure(spec, settings, EngineCommand.Find(settings.EngineName, settings.Runtime));
        try
        {
            enclosure.Prepare();
            return enclosure;
        }
        catch (Exception e)
        {
            enclosure.Dispose();
            if (e is EnclosureException)
                throw;
            throw new EnclosureException($"the container could not be prepared: {e.Message}", e);
        }
    }

    private void Prepare()
    {
        var asking = EngineFacts.AskAsync(_engine, _settings.Isolation, CancellationToken.None);
        _image = ContainerImages.FindAsync(_engine, _settings.Image, _settings.Progress).GetAwaiter().GetResult();
        var facts = asking.GetAwaiter().GetResult();
        if (!facts.HasLimits && (_settings.Limits.Memory is not null || _settings.Limits.Cpus is not null))
            throw new EnclosureException("agent.limits.memory and cpus need cgroup v2 with rootless Podman, and this machine has version 1: leave them out, use rootful Podman or Docker, or boot with systemd.unified_cgroup_hierarchy=1");

        var installation = Installation.Id(_settings.State);
        var mounts = new ContainerMounts(_spec, _settings, facts, installation);
        _marker.Write(_settings.State);
        var values = mounts.Prepare(hostMounts =>
        {
            _marker = _marker with { HostMounts = hostMounts };
            _marker.Write(_settings.State);
        });
        foreach (var (name, arguments) in mounts.Volumes)
        {
            _marker = _marker with { Volumes = _marker.Volumes.Add(name) };
            _engine.RunAsync($"make the volume for {name}", arguments).GetAwaiter().GetResult();
        }

        var isTerminal = Terminal.IsTerminal(0) && Terminal.IsTerminal(1);
        var created = ContainerArguments.Create(_spec, _settings, _image, facts, installation, InitProgram.Find(), isTerminal, values);
        _engine.RunAsync($"create a container of {_settings.Image}", created).GetAwaiter().GetResult();
        _client = SpawnedProcess.Start(
            // Ctrl-P Ctrl-Q would leave the session behind without a launcher; these keys nobody presses.
            [.. _engine.Prefix, "start", "--attach", "--interactive", "--detach-keys", "ctrl-^,ctrl-@,ctrl-^,ctrl-@,ctrl-^", _settings.ContainerName],
            Environment.GetEnvironmentVariables().Cast<System.Collections.DictionaryEntry>().Select(variable => $"{variable.Key}={variable.Value}"));

        var process = WaitForProcess();
        if (facts.CanEnter)
        {
            _network = NetworkEntry.Enter(process, facts.MapsUser, isMappedRoot: false, "network");
        }
        else
        {
            _helper = HelperContainer.Start(_engine, _settings, _image, installation);
            _network = _helper.Accept();
        }

        var made = _network.Make(new(_spec.Sockets, StaysForConnections: _spec.Publishes));
        Sockets = [.. made[..^1]];
        _lease = new(made[^1]);
        if (!_spec.Publishes)
            CloseNetwork();
    }

    public override void Start()
    {
        var environment = _spec.Environment;
        if (!_settings.HasPath && _image!.Path is { Length: > 0 and < 4096 } path)
            environment = environment.SetItem("PATH", path);
        var message = new StartMessage(_spec.WorkingDirectory, _spec.Command, [.. environment.Select(variable => $"{variable.Key}={variable.Value}")]);
        _lease!.Start(message, $"in the image {_settings.Image}");
        _started = true;
    }

    public override int Wait(out bool ran)
    {
        ran = _started;
        int? code = null;
        // Whichever tells first: the container's first process, or the engine's client, which also ends when its engine does.
        while (code is null && !_client!.HasEnded())
        {
            if (!_lease!.HasNews(TimeSpan.FromMilliseconds(50)))
                continue;
            code = _lease.ReadEnd();
            if (code is null)
                break;
        }

        // It has the last of the agent's output to write. A client that does not end by itself (Podman 4 can wait for ever on a container that removed
        // itself) is ended.
        if (!WaitForClient())
            return code ?? 128 + 9;
        if (code is null && _lease!.HasNews(TimeSpan.Zero))
            code = _lease.ReadEnd();
        // An engine that tells what the agent's end was has seen it, and removes the container. One that ends it by itself may be ending too.
        var said = _client!.Wait();
        _sawTheEnd = said == code;
        if (code is not null)
            return code.Value;
        // The kernel, a limit or the engine ended the container: then the engine's word is all there is.
        if (said != ClientFailed)
            return said;
        Terminal.Say($"{_engine.Name} broke off, and the session ends with it: its message is above");
        return 128 + 9;
    }

    public override void Signal(int signal)
    {
        if (!_started)
        {
            Kill();
            return;
        }

        _lease!.Signal(signal);
    }

    public override void Kill() => _lease?.Kill();

    public override int CreateSocket(bool isIPv6) => _network?.CreateSocket(isIPv6) ?? throw new EnclosureException("nothing is published");

    public override void Dispose()
    {
        CloseSockets();
        Kill();
        CloseNetwork();
        _lease?.Dispose();
        if (_removed)
            return;
        _removed = true;
        var ended = _client is null || WaitForClient();
        if (_settings.WritableRoot && _started)
            RootChanges = ContainerImages.ChangesAsync(_engine, _settings.ContainerName).GetAwaiter().GetResult();
        // A container that ended well was removed by the engine, with its nameless volumes; what did not is removed here, or by the next command.
        var isRemoved = ended && !_forced && _started && _sawTheEnd && !_settings.WritableRoot
            && (_marker.Volumes.IsEmpty || _engine.TryRunAsync(["volume", "rm", .. _marker.Volumes]).GetAwaiter().GetResult().Code == 0);
        if (isRemoved)
            ContainerMounts.Unmount(_marker.HostMounts);
        if (isRemoved || ContainerLeftovers.RemoveAsync(_settings.State, _marker).GetAwaiter().GetResult())
            ContainerMarker.Remove(_settings.State, _settings.Session);
    }

    private bool WaitForClient()
    {
        using var never = new ManualResetEventSlim();
        for (var since = TimeProvider.System.GetTimestamp(); !_client!.HasEnded(); never.Wait(5))
        {
            if (TimeProvider.System.GetElapsedTime(since) < s_endWithin)
                continue;
            _client.Kill(9);
            _client.Wait();
            _forced = true;
            return false;
        }

        return true;
    }

    private void CloseNetwork()
    {
        _network?.Dispose();
        _network = null;
        _helper?.Dispose();
        _helper = null;
    }

    private int WaitForProcess()
    {
        var source = ProcessIdSource.For(_engine, _settings);
        using var never = new ManualResetEventSlim();
        for (var since = TimeProvider.System.GetTimestamp(); TimeProvider.System.GetElapsedTime(since) < s_startWithin; never.Wait(2))
        {
            if (source.TryRead() is { } process)
                return process;
            if (_client!.HasEnded())
                throw new EnclosureException($"the container of {_settings.Image} did not start ({_engine.Name}'s message is above){RuntimeHint()}");
        }

        throw new EnclosureException($"the container of {_settings.Image} did not start in {s_startWithin.TotalSeconds:0} s");
    }

    private string RuntimeHint() => _settings.Runtime is { } runtime ? $": does the runtime {runtime} work with this machine's cgroups? 'gatehouse doctor' says which do" : ": see 'gatehouse doctor'";
}
