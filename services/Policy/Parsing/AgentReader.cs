using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using Gatehouse.Policy.Agent;
using Gatehouse.Policy.Schema;
using Gatehouse.Policy.Yaml;

namespace Gatehouse.Policy.Parsing;

/// <summary><c>agent:</c></summary>
internal sealed class AgentReader(ImmutableArray<int> egressPorts, ErrorList errors)
{
    public AgentSettings Read(Node? agent)
    {
        var isolation = agent.Scalar("isolation")?.Text switch
        {
            "docker" => Isolation.Docker,
            "podman" => Isolation.Podman,
            _ => Isolation.Bubblewrap,
        };
        if (isolation == Isolation.Bubblewrap && agent is MappingNode mapping)
            foreach (var (key, _) in mapping.Members)
                if (key.Text is "image" or "runtime")
                    errors.Add(key.At, $"'{key.Text}' means nothing with isolation: bubblewrap",
                        "Remove it, or write isolation: docker or podman.");

        if (isolation == Isolation.Bubblewrap)
            foreach (var (key, _) in agent.Members("limits"))
                if (key.Text is "memory" or "cpus")
                    errors.Add(key.At, $"'{key.Text}' can not be held with isolation: bubblewrap, which has no cgroup",
                        "Remove it, or write isolation: docker or podman.");

        var command = (agent.Find("command") as SequenceNode).Scalars().Select(scalar => scalar.Text).ToImmutableArray();
        if (command is ["", ..])
            errors.Add(agent.Find("command")!.At, "agent.command has no program", "Write its name first, as in [claude, --print].");
        return new AgentSettings
        {
            Command = command,
            Isolation = isolation,
            Image = agent.Scalar("image")?.Text,
            Runtime = agent.Scalar("runtime")?.Text,
            Environment = ReadEnvironment(agent),
            Limits = ReadLimits(agent.Find("limits")),
            Publish = ReadPublish(agent),
        };
    }

    private ImmutableDictionary<string, string> ReadEnvironment(Node? agent)
    {
        var environment = ImmutableDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (var (key, value) in agent.Members("environment"))
        {
            if (value.AsScalar() is not { } scalar || !EnvironmentText.IsName(key, errors))
                continue;
            EnvironmentText.CheckTemplate(scalar, errors);
            environment[key.Text] = scalar.Text;
        }

        return environment.ToImmutable();
    }

    private static AgentLimits ReadLimits(Node? limits)
    {
        long? memory = limits.Scalar("memory") is { } size && Quantity.TryParseSize(size.Text, out var bytes) ? bytes : null;
        int? processes = limits.Scalar("processes") is { } number && Quantity.TryParseInteger(number.Text, out var count)
            ? (int)Math.Clamp(count, 0, int.MaxValue) : null;
        double? cpus = limits.Scalar("cpus") is { } cores && Quantity.TryParseDecimal(cores.Text, out var value) ? value : null;
        TimeSpan? duration = limits.Scalar("duration") is { } time && Quantity.TryParseDuration(time.Text, out var span) ? span : null;
        return new AgentLimits(memory, processes, cpus, duration);
    }

    private ImmutableArray<PublishedPort> ReadPublish(Node? agent)
    {
        var published = ImmutableArray.CreateBuilder<PublishedPort>();
        foreach (var item in agent.Items("publish"))
        {
            var inside = ReadInside(item.Scalar("inside"), published);
            var host = ReadHost(item.Scalar("host"), item.Scalar("beyondLoopback")?.Text == "true", published);
            if (inside is { } port && host is not null)
                published.Add(new PublishedPort(port, host));
        }

        return published.ToImmutable();
    }

    private int? ReadInside(ScalarNode? scalar, IEnumerable<PublishedPort> published)
    {
        if (scalar is null || !HostText.TryPort(scalar.Text, out var port) || port < 1024)
            return null;
        if (port == 3128 || egressPorts.Contains(port))
            errors.Add(scalar.At, string.Create(CultureInfo.InvariantCulture, $"Port {port} inside is a gate's"),
                "Let the agent listen on another port.");
        else if (published.Any(other => other.Inside == port))
            errors.Add(scalar.At, string.Create(CultureInfo.InvariantCulture, $"Port {port} inside is published twice"),
                "Keep one of the two.");
        else
            return port;
        return null;
    }

    private IPEndPoint? ReadHost(ScalarNode? scalar, bool anywhere, IEnumerable<PublishedPort> published)
    {
        if (scalar is null || scalar.Text.Length == 0)
            return null;
        if (!HostText.TryEndPoint(scalar.Text, out var host))
            errors.Add(scalar.At, $"{Shown.Quoted(scalar.Text)} is not an IP address and port", "Write them as \"127.0.0.1:18789\".");
        else if (!anywhere && !IPAddress.IsLoopback(host.Address))
            errors.Add(scalar.At, $"{Shown.Quoted(scalar.Text)} is not on loopback",
                "Write 127.0.0.1 or [::1]; to let other machines reach the agent, add beyondLoopback: true.");
        else if (published.Any(other => other.Host.Equals(host)))
            errors.Add(scalar.At, $"{Shown.Quoted(scalar.Text)} is published twice", "Keep one of the two.");
        else
            return host;
        return null;
    }
}
