using System.Globalization;
using System.Net;
using Gatehouse.Policy.Agent;

namespace Gatehouse.Policy.Parsing;

/// <summary>Reads <c>agent:</c>.</summary>
internal static class AgentReader
{
    public static AgentSettings Read(Section agent)
    {
        var limits = agent.Child("limits");
        var cpus = limits.Read("cpus", (string text, out double value) =>
            double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out value) && value is >= 0.1 and <= 1024, "Write a number of cores from 0.1 to 1024");
        var settings = new AgentSettings
        {
            Command = [.. agent.Scalars("command").Select(word => word.Scalar!)],
            Isolation = agent.Choice("isolation", Isolation.Bubblewrap),
            Image = agent.Text("image"),
            Runtime = agent.Text("runtime"),
            Environment = agent.Variables("environment"),
            Limits = new(limits.Size("memory"), limits.Integer("processes", 8, 1_000_000), cpus,
                limits.Read<TimeSpan>("duration", Units.TryParseDuration, "Write a duration such as 8h, 1h30m or 90s")),
            Publish = [.. agent.Items("publish").Select(ReadPort).OfType<PublishedPort>()],
        };

        if (settings.Isolation != Isolation.Bubblewrap)
            agent.NotSupportedYet("isolation", "Write isolation: bubblewrap");
        agent.NotSupportedYet("image", "Remove it: bubblewrap takes the host's /usr");
        agent.NotSupportedYet("runtime", "Remove it");
        agent.NotSupportedYet("publish", "Remove it");
        limits.NotSupportedYet("memory", "Remove it, and bound the session from outside, for example with systemd-run -p MemoryMax=4G");
        limits.NotSupportedYet("cpus", "Remove it, and bound the session from outside, for example with taskset");
        return settings;
    }

    private static PublishedPort? ReadPort(Section port)
    {
        var inside = port.Integer("inside", 1024, 65_535);
        if (port["host"] is not { Scalar: { } text } host)
            return null;
        if (!IPEndPoint.TryParse(text, out var endPoint) || endPoint.Port == 0 || !IPAddress.IsLoopback(endPoint.Address))
        {
            port.Error(host, $"{port.Name("host")} is '{text}'", "Write a loopback address with a port, such as 127.0.0.1:18789");
            return null;
        }

        return inside is { } number ? new(number, endPoint) : null;
    }
}
