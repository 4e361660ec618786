using Aspire.Hosting.Docker.Resources;
using Aspire.Hosting.Docker.Resources.ComposeNodes;
using Aspire.Hosting.Docker.Resources.ServiceNodes;
using Aspire.Hosting.Docker.Resources.ServiceNodes.Swarm;

namespace Aspire.Hosting;

/// <summary>What is for publishing only; compiled with Aspire alone.</summary>
internal static class Publish
{
    /// <summary>
    /// <c>aspire publish</c> writes a Compose file of the form that <c>deploy/compose/docker-compose.yaml</c> has: hardened gates around an agent without a
    /// network, whose namespace one helper joins. Policy, workspace and credential lie beside it, as in that folder.
    /// </summary>
    public static void PublishToCompose(this IDistributedApplicationBuilder builder) =>
        builder.AddDockerComposeEnvironment("compose").WithDashboard(false).ConfigureComposeFile(Composition.Shape);
}

/// <summary>From the services that the model has to those that hold an agent. Pure: a file in, the same file shaped.</summary>
internal static class Composition
{
    private const string Tag = "${GATEHOUSE_TAG:-latest}";

    // Whom the service images run as; the agent is another user.
    private const string Gates = "1654:1654", Agent = "1000:1000";

    private static readonly string[] s_gates = ["dns-resolver", "egress-proxy", "secrets-gateway"];

    public static void Shape(ComposeFile file)
    {
        file.Networks = new() { ["record"] = new() { Name = "record", Internal = true }, ["outward"] = new() { Name = "outward" } };
        file.Volumes = [];
        foreach (var name in new[] { "run", "record", "sessions", "workspace", "agent-etc", "dns-resolver", "egress-proxy", "secrets-gateway" })
            file.AddVolume(new() { Name = name });
        file.Secrets["api-key"] = new() { File = "${API_KEY_FILE:-./secrets/api-key}" };

        // The demo's own internet is no part of what is published.
        file.Services.Remove("demo-origin");
        Record(file.Services["log-sink"]);
        foreach (var gate in s_gates)
            Gate(file.Services[gate]);
        file.Services["secrets-gateway"].Secrets = [new() { Source = "api-key" }];
        file.AddService(WaitingAgent());
        file.AddService(Sandbox());
        file.AddService(Tools());
    }

    // The command line, which has no network, finds the record in the run directory.
    private static void Record(Service service)
    {
        Serve(service, state: "record");
        service.Environment["ASPNETCORE_URLS"] = "http://unix:/run/gatehouse/log-sink.sock;http://+:8080";
        service.Environment["LogSink__AllowRemote"] = "true";
        service.Networks = ["record"];
        service.DependsOn = [];
    }

    private static void Gate(Service service)
    {
        Serve(service, state: service.Name);
        service.Environment["ASPNETCORE_URLS"] = "http://+:8080";
        service.Environment["services__log-sink__http__0"] = "http://log-sink:8080";
        service.Environment["services__dns-resolver__http__0"] = "http://dns-resolver:8080";
        service.Networks = ["record", "outward"];
        service.DependsOn = Healthy("log-sink");
    }

    private static void Serve(Service service, string state)
    {
        Harden(service, memory: "512m");
        service.Image = $"gatehouse/{service.Name}:{Tag}";
        service.User = Gates;
        service.Restart = "unless-stopped";
        service.Ports = [];
        service.Expose = [];
        service.Volumes = [Volume("run", "/run/gatehouse"), Volume(state, "/var/lib/gatehouse"), Bind("./policy", "/etc/gatehouse", readOnly: true)];
    }

    // No network at all, and nothing of it runs until the sandbox says so.
    private static Service WaitingAgent()
    {
        var agent = new Service
        {
            Name = "agent",
            Image = $"gatehouse/composed-agent:{Tag}",
            Build = new()
            {
                Context = "agent",
                Args = new() { ["AGENT_IMAGE"] = "${AGENT_IMAGE:-gatehouse/agent:latest}", ["SANDBOX_IMAGE"] = $"gatehouse/sandbox:{Tag}" },
            },
            Entrypoint = ["/.gatehouse/init", "wait"],
            User = Agent,
            Hostname = "enclosure",
            Ipc = "private",
            Init = false,
            StopSignal = "SIGKILL",
            Dns = ["198.18.0.1"],
            ExtraHosts = new() { ["secrets.gatehouse"] = "198.18.0.1", ["proxy.gatehouse"] = "198.18.0.1" },
            Sysctls = new()
            {
                ["net.ipv4.ip_unprivileged_port_start"] = "1024",
                ["net.ipv4.icmp_echo_ignore_all"] = "1",
                ["net.ipv4.ping_group_range"] = "0 2147483647",
                ["net.ipv6.conf.all.disable_ipv6"] = "0",
                ["net.ipv6.conf.lo.disable_ipv6"] = "0",
                ["net.ipv6.icmp.echo_ignore_all"] = "1",
            },
            Volumes = [Volume("workspace", "/workspace"), Volume("agent-etc", "/etc/gatehouse", readOnly: true)],
            DependsOn = Healthy(["log-sink", .. s_gates]),
        };
        Harden(agent, memory: "${AGENT_MEMORY:-4g}");
        agent.Tmpfs =
        [
            "/tmp:size=512m,mode=1777,noexec,nosuid,nodev", "/dev/shm:size=256m,mode=1777,noexec,nosuid,nodev",
            "/home/agent:size=1g,mode=0700,uid=1000,gid=1000,nosuid,nodev,exec",
        ];
        agent.NetworkMode = "none";
        agent.Restart = "no";
        return agent;
    }

    // Root, for it makes a network: with three capabilities for that, and three to copy files for the agent and read its own.
    private static Service Sandbox()
    {
        var sandbox = Command("sandbox", workspaceIsReadOnly: true);
        sandbox.Command = ["enclose", "--policy", "/etc/gatehouse/gatehouse.yaml", "--user", Agent];
        sandbox.NetworkMode = "service:agent";
        sandbox.CapAdd = ["NET_ADMIN", "NET_RAW", "NET_BIND_SERVICE", "CHOWN", "DAC_OVERRIDE", "FOWNER"];
        sandbox.Restart = "no";
        sandbox.DependsOn = new() { ["agent"] = new() { Condition = "service_started" } };
        return sandbox.AddVolumes([Volume("workspace", "/srv/agent/workspace"), Volume("agent-etc", "/srv/etc")]);
    }

    // docker compose run --rm gatehouse log | changes | apply | discard …
    private static Service Tools()
    {
        var tools = Command("gatehouse", workspaceIsReadOnly: false);
        tools.Profiles = ["tools"];
        tools.NetworkMode = "none";
        tools.CapAdd = ["CHOWN", "DAC_OVERRIDE", "FOWNER"];
        return tools;
    }

    private static Service Command(string name, bool workspaceIsReadOnly)
    {
        var service = new Service
        {
            Name = name,
            Image = $"gatehouse/sandbox:{Tag}",
            User = "0:0",
            Volumes =
            [
                Volume("run", "/run/gatehouse"), Volume("sessions", "/var/lib/gatehouse"), Bind("./policy", "/etc/gatehouse", readOnly: true),
                Bind("${WORKSPACE:-./workspace}", "/srv/workspace", workspaceIsReadOnly),
            ],
        };
        Harden(service, memory: "512m");
        return service;
    }

    private static void Harden(Service service, string memory)
    {
        service.ReadOnly = true;
        service.CapDrop = ["ALL"];
        service.SecurityOpt = ["no-new-privileges:true"];
        service.Tmpfs = ["/tmp:size=16m,mode=1777,noexec,nosuid,nodev"];
        service.Ulimits = new() { ["core"] = new() { Soft = 0, Hard = 0 } };
        service.Logging = new() { Driver = "json-file", Options = new() { ["max-size"] = "10m", ["max-file"] = "3" } };
        service.Deploy = new() { Resources = new() { Limits = new ResourceSpec { Memory = memory } } };
    }

    private static Volume Volume(string name, string at, bool readOnly = false) => new() { Name = name, Type = "volume", Source = name, Target = at, ReadOnly = readOnly };

    private static Volume Bind(string path, string at, bool readOnly) => new() { Name = at, Type = "bind", Source = path, Target = at, ReadOnly = readOnly };

    private static Dictionary<string, ServiceDependency> Healthy(params string[] services) =>
        services.ToDictionary(service => service, _ => new ServiceDependency { Condition = "service_healthy" });
}
