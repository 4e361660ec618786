using System.Globalization;
using Gatehouse.AgentSandbox.Containers;
using Gatehouse.AgentSandbox.Enclosure;
using Gatehouse.AgentSandbox.Native;
using Gatehouse.Policy.Agent;

namespace Gatehouse.AgentSandbox.Doctor;

/// <summary>What this machine can do, for this user: each finding is tried, not guessed from versions, where trying is harmless.</summary>
internal static class Machine
{
    public static async Task<List<Finding>> ExamineAsync()
    {
        var engines = new[] { DockerAsync(), PodmanAsync() };
        List<Finding> findings = [.. Kernel(), .. Bubblewrap()];
        foreach (var engine in engines)
            findings.AddRange(await engine);
        return findings;
    }

    /// <summary>What stands in the way of one isolation; empty when nothing was found.</summary>
    public static async Task<List<Finding>> ObstaclesAsync(Isolation isolation)
    {
        var findings = isolation switch
        {
            Isolation.Docker => await DockerAsync(),
            Isolation.Podman => await PodmanAsync(),
            _ => Bubblewrap(),
        };
        return findings.FindAll(finding => finding.Level == FindingLevel.Missing);
    }

    private static List<Finding> Kernel()
    {
        var version = File.ReadAllText("/proc/sys/kernel/osrelease").Trim();
        // landlock_create_ruleset(NULL, 0, LANDLOCK_CREATE_RULESET_VERSION): the version, or -1.
        var landlock = LibC.syscall(444, 0, 0, 1, 0, 0);
        return
        [
            new(null, "kernel", FindingLevel.Ok, version),
            new(null, "user", FindingLevel.Ok, string.Create(CultureInfo.InvariantCulture, $"uid {LibC.getuid()}{(LibC.getuid() == 0 ? ": agents run as the owner of their workspace, never as root" : "")}")),
            File.Exists("/sys/fs/cgroup/cgroup.controllers")
                ? new(null, "cgroups", FindingLevel.Ok, "version 2")
                : new(null, "cgroups", FindingLevel.Limited, "version 1: rootless Podman can not bound memory and cpus", "boot with systemd.unified_cgroup_hierarchy=1"),
            landlock > 0
                ? new(null, "Landlock", FindingLevel.Ok, string.Create(CultureInfo.InvariantCulture, $"version {landlock}"))
                : new(null, "Landlock", FindingLevel.Limited, "not in this kernel; no isolation needs it"),
        ];
    }

    private static List<Finding> Bubblewrap()
    {
        List<Finding> findings = [Program(Isolation.Bubblewrap, "bwrap", "bubblewrap"), Program(Isolation.Bubblewrap, "unshare", "util-linux")];
        if (Programs.TryFind("unshare") is { } unshare)
        {
            string[] arguments = LibC.getuid() == 0 ? ["--net", "--mount", "true"] : ["--user", "--map-root-user", "--net", "--mount", "true"];
            var (code, error) = Try(unshare, arguments);
            findings.Add(code == 0
                ? new(Isolation.Bubblewrap, "namespaces", FindingLevel.Ok, "user, network and mount namespaces can be made")
                : new(Isolation.Bubblewrap, "namespaces", FindingLevel.Missing, $"can not be made: {error}", NamespaceFix()));
        }

        findings.Add(File.ReadAllText("/proc/filesystems").Contains("\toverlay\n", StringComparison.Ordinal)
            ? new(Isolation.Bubblewrap, "OverlayFS", FindingLevel.Ok, "in the kernel")
            : new(Isolation.Bubblewrap, "OverlayFS", FindingLevel.Missing, "not loaded: workspaces and inputs need it", "sudo modprobe overlay"));
        return findings;
    }

    private static string NamespaceFix()
    {
        const string apparmor = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns";
        if (File.Exists(apparmor) && File.ReadAllText(apparmor).Trim() == "1")
            return "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0";
        const string clone = "/proc/sys/kernel/unprivileged_userns_clone";
        return File.Exists(clone) && File.ReadAllText(clone).Trim() == "0" ? "sudo sysctl kernel.unprivileged_userns_clone=1" : "sudo sysctl user.max_user_namespaces=15000";
    }

    private static async Task<List<Finding>> DockerAsync()
    {
        List<Finding> findings = [Program(Isolation.Docker, "docker", "docker.io"), Init(Isolation.Docker), .. Enter(Isolation.Docker)];
        if (Programs.TryFind("docker") is null)
            return findings;
        var engine = EngineCommand.Find("docker");
        // 'info' is asked last: without a daemon its template fails with words that help nobody.
        var asked = await engine.TryRunAsync(["version", "--format", "{{.Server.Version}}"]);
        var info = asked.Code != 0 ? asked : await engine.TryRunAsync(["info", "--format", "{{.ServerVersion}}|{{.Driver}}|{{.SecurityOptions}}|{{range $name, $_ := .Runtimes}}{{$name}} {{end}}"]);
        if (info.Code != 0 || info.Output.Split('|') is not [var version, var driver, var security, var runtimes] || version.Length == 0)
        {
            var failure = engine.Failure("be reached", info).Message;
            findings.Add(new(Isolation.Docker, "daemon", FindingLevel.Missing, failure,
                failure.Contains("permission denied", StringComparison.OrdinalIgnoreCase) ? $"sudo usermod -aG docker {Environment.UserName} && newgrp docker" : "sudo systemctl start docker"));
            return findings;
        }

        findings.Add(new(Isolation.Docker, "daemon", FindingLevel.Ok, $"version {version}, storage {driver}"));
        findings.Add(security.Contains("rootless", StringComparison.Ordinal) || security.Contains("userns", StringComparison.Ordinal)
            ? new(Isolation.Docker, "users", FindingLevel.Missing, "the daemon maps users, where a workspace's owner has no id inside", "write isolation: podman, or bubblewrap")
            : new(Isolation.Docker, "users", FindingLevel.Ok, "not mapped"));
        try
        {
            findings.Add(new(Isolation.Docker, "socket", FindingLevel.Ok, DockerSocket.Find(engine)));
        }
        catch (EnclosureException e)
        {
            findings.Add(new(Isolation.Docker, "socket", FindingLevel.Missing, e.Message, "docker context use default"));
        }

        findings.Add(new(Isolation.Docker, "runtimes", FindingLevel.Ok, runtimes.Trim()));
        findings.Add(await ImageAsync(engine, Isolation.Docker));
        return findings;
    }

    private static async Task<List<Finding>> PodmanAsync()
    {
        List<Finding> findings = [Program(Isolation.Podman, "podman", "podman"), Init(Isolation.Podman), Program(Isolation.Podman, "nsenter", "util-linux")];
        if (Programs.TryFind("podman") is null)
            return findings;
        if (LibC.getuid() != 0)
        {
            findings.Add(Program(Isolation.Podman, "newuidmap", "uidmap"));
            var user = Environment.UserName;
            var has = new[] { "/etc/subuid", "/etc/subgid" }.All(file => File.Exists(file) && File.ReadLines(file).Any(line =>
                line.StartsWith(user + ":", StringComparison.Ordinal) || line.StartsWith(string.Create(CultureInfo.InvariantCulture, $"{LibC.getuid()}:"), StringComparison.Ordinal)));
            findings.Add(has
                ? new(Isolation.Podman, "subordinate ids", FindingLevel.Ok, "in /etc/subuid and /etc/subgid")
                : new(Isolation.Podman, "subordinate ids", FindingLevel.Missing, $"none for {user}", $"sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {user}"));
        }

        var engine = EngineCommand.Find("podman");
        var info = await engine.TryRunAsync(["info", "--format", "{{.Version.Version}}|{{.Store.GraphDriverName}}|{{.Host.OCIRuntime.Name}}"]);
        if (info.Code != 0 || info.Output.Trim().Split('|') is not [var version, var driver, var runtime])
        {
            findings.Add(new(Isolation.Podman, "engine", FindingLevel.Missing, engine.Failure("be asked how it runs", info).Message, "podman info"));
            return findings;
        }

        findings.Add(driver == "vfs"
            ? new(Isolation.Podman, "engine", FindingLevel.Limited, $"version {version}; storage vfs copies the image for each session, which is slow", "put [storage] driver = \"overlay\" into ~/.config/containers/storage.conf, then podman system reset")
            : new(Isolation.Podman, "engine", FindingLevel.Ok, $"version {version}, storage {driver}"));
        findings.Add(Runtime(runtime));
        findings.Add(await ImageAsync(engine, Isolation.Podman));
        return findings;
    }

    // crun refuses a version 2 hierarchy with controllers beside those of version 1.
    private static Finding Runtime(string runtime)
    {
        const string hybrid = "/sys/fs/cgroup/unified/cgroup.controllers";
        return runtime == "crun" && File.Exists(hybrid) && File.ReadAllText(hybrid).Trim().Length > 0
            ? new(Isolation.Podman, "runtime", FindingLevel.Limited, "crun does not run on this machine's mix of cgroup versions", "write agent.runtime: runc, and apt-get install runc")
            : new(Isolation.Podman, "runtime", FindingLevel.Ok, runtime);
    }

    private static async Task<Finding> ImageAsync(EngineCommand engine, Isolation isolation) =>
        (await engine.TryRunAsync(["image", "inspect", "--format", "{{.Id}}", ContainerSettings.DefaultImage])).Code == 0
            ? new(isolation, "image", FindingLevel.Ok, ContainerSettings.DefaultImage + " is there")
            : new(isolation, "image", FindingLevel.Limited, ContainerSettings.DefaultImage + " is not there; policies can name another", $"gatehouse image build --engine {engine.Name}");

    private static Finding Init(Isolation isolation)
    {
        try
        {
            return new(isolation, InitProgram.Name, FindingLevel.Ok, InitProgram.Find());
        }
        catch (EnclosureException e)
        {
            return new(isolation, InitProgram.Name, FindingLevel.Missing, e.Message, "dotnet publish services/EnclosureInit -c Release");
        }
    }

    private static List<Finding> Enter(Isolation isolation) => LibC.getuid() == 0
        ? [Program(isolation, "nsenter", "util-linux")]
        : [new(isolation, "network", FindingLevel.Ok, "a helper container makes it, since only Docker's socket is at hand")];

    private static Finding Program(Isolation isolation, string name, string package) => Programs.TryFind(name) is { } path
        ? new(isolation, name, FindingLevel.Ok, path)
        : new(isolation, name, FindingLevel.Missing, "not installed", $"sudo apt-get install {package}");

    private static (int Code, string Error) Try(string program, string[] arguments)
    {
        using var process = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEnd().Trim();
        process.WaitForExit();
        return (process.ExitCode, error);
    }
}
