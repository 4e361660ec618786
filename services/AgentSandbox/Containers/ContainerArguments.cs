using System.Globalization;
using Gatehouse.AgentSandbox.Enclosure;

namespace Gatehouse.AgentSandbox.Containers;

/// <summary>
/// The arguments of <c>create</c> for an agent's container. The policy decides about a few of them; no policy can ask for privilege, devices, the
/// host's namespaces or an engine's socket, because there is no word for them.
/// </summary>
internal static class ContainerArguments
{
    /// <summary>Where the first process stands inside; its folder holds nothing else.</summary>
    public const string Init = "/.gatehouse/init";

    public const string SessionLabel = "gatehouse.session", InstallationLabel = "gatehouse.installation";

    /// <summary>Without a limit of the policy's: enough for any build, and the end of a fork bomb.</summary>
    private const int DefaultProcesses = 4096;

    /// <summary>Open files a process; more than any agent needs, and what systemd gives services at most.</summary>
    private const long MaxOpenFiles = 524_288;

    /// <summary>Of each folder that an image declares as a volume.</summary>
    private const long VolumeSize = 64L << 20;

    public static List<string> Create(EnclosureSpec spec, ContainerSettings settings, ImageFacts image, EngineFacts engine, string installation, string init, bool isTerminal, IEnumerable<string> mounts)
    {
        var user = engine.MapsUser ? $"{BubblewrapArguments.Uid}:{BubblewrapArguments.Uid}" : Number($"{spec.HostUid}:{spec.HostGid}");
        List<string> arguments =
        [
            "create", "--name", settings.ContainerName, "--pull", "never",
            "--label", $"{SessionLabel}={settings.Session}", "--label", $"{InstallationLabel}={installation}",
            // No way out: an interface but lo is never made. Names, routes and sockets come later, from the launcher.
            "--network", "none", "--hostname", "enclosure",
            // Ports below 1024 are the gates'. What Docker lets every user do would let the agent take them.
            "--sysctl", "net.ipv4.ip_unprivileged_port_start=1024",
            "--sysctl", "net.ipv4.icmp_echo_ignore_all=1", "--sysctl", "net.ipv4.ping_group_range=" + (engine.MapsUser ? $"{BubblewrapArguments.Uid} {BubblewrapArguments.Uid}" : "0 2147483647"),
            "--user", user, "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
            "--ipc", "private", "--cgroupns", "private",
            "--ulimit", "core=0:0", "--ulimit", Number($"nofile={EngineFacts.OpenFiles(MaxOpenFiles)}:{EngineFacts.OpenFiles(MaxOpenFiles)}"),
            "--restart", "no", "--log-driver", "none", "--no-healthcheck", "--stop-signal", "SIGKILL",
            "--entrypoint", Init, "--workdir", "/", "--interactive",
        ];
        if (engine.HasIPv6)
            arguments.AddRange(["--sysctl", "net.ipv6.conf.all.disable_ipv6=0", "--sysctl", "net.ipv6.conf.lo.disable_ipv6=0", "--sysctl", "net.ipv6.icmp.echo_ignore_all=1"]);
        if (isTerminal)
            arguments.Add("--tty");
        if (!settings.WritableRoot)
            arguments.AddRange(["--read-only", "--rm"]);
        if (engine.HasLimits)
            arguments.AddRange(["--pids-limit", Number($"{settings.Limits.Processes ?? DefaultProcesses}")]);
        if (engine.IsDocker && settings.Runtime is { } runtime)
            arguments.AddRange(["--runtime", runtime]);
        if (settings.Limits.Memory is { } memory)
            arguments.AddRange(["--memory", Number($"{memory}"), "--memory-swap", Number($"{memory}")]);
        if (settings.Limits.Cpus is { } cpus)
            arguments.AddRange(["--cpus", cpus.ToString("0.##", CultureInfo.InvariantCulture)]);
        if (!engine.IsDocker)
        {
            // Podman raises limits to what it finds on the host, which not every user may.
            arguments.AddRange(["--ulimit", Number($"nproc={engine.ProcessLimit(settings.Limits.Processes)}:{engine.ProcessLimit(settings.Limits.Processes)}")]);
            arguments.AddRange(["--no-hosts", "--image-volume", "ignore", "--pidfile", PidFile(settings)]);
        }

        if (engine.MapsUser)
            arguments.AddRange(["--userns", $"keep-id:uid={BubblewrapArguments.Uid},gid={BubblewrapArguments.Uid}"]);
        foreach (var scratch in Scratch(spec, image))
            arguments.AddRange(["--tmpfs", $"{scratch.At}:{Tmpfs(scratch, spec, engine)}"]);
        arguments.AddRange(["--mount", Bind(init, Init, isReadOnly: true)]);
        foreach (var mount in mounts)
            arguments.AddRange(mount.StartsWith("type=", StringComparison.Ordinal) ? ["--mount", mount] : ["--volume", mount]);
        arguments.AddRange([image.Id, "wait"]);
        return arguments;
    }

    /// <summary>Where Podman writes the first process's id.</summary>
    public static string PidFile(ContainerSettings settings) => Path.Combine(settings.Folder, "container", "pid");

    public static string Bind(string source, string at, bool isReadOnly) =>
        $"type=bind,{Field("src=" + source)},{Field("dst=" + at)}{(isReadOnly ? ",readonly" : "")}";

    /// <summary>A field of the comma-separated value that <c>--mount</c> takes (RFC 4180).</summary>
    public static string Field(string text) =>
        text.AsSpan().ContainsAny(",\"\n\r") ? $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : text;

    // Volumes that the image declares are covered by what is ours, unless something of ours is there already.
    private static IEnumerable<ScratchSpec> Scratch(EnclosureSpec spec, ImageFacts image) =>
        spec.Scratch.Concat(image.Volumes
            .Where(volume => !spec.Scratch.Any(scratch => scratch.At == volume) && !spec.Mounts.Any(mount => mount.At == volume))
            .Select(volume => new ScratchSpec(volume, VolumeSize, Exec: false)))
            .Where(scratch => scratch.At != "/dev/shm" || !spec.Mounts.Any(mount => mount.At == scratch.At));

    private static string Tmpfs(ScratchSpec scratch, EnclosureSpec spec, EngineFacts engine)
    {
        var options = Number($"rw,nosuid,nodev,size={scratch.Size}") + (scratch.Exec ? ",exec" : ",noexec");
        // Podman has no words for an owner; nobody else is in there.
        return engine.IsDocker
            ? options + Number($",mode=0700,uid={spec.HostUid},gid={spec.HostGid},nr_inodes=262144")
            : options + ",mode=1777,notmpcopyup";
    }

    private static string Number(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
