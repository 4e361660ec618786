using System.CommandLine;
using System.Text.Json;
using Gatehouse.AgentSandbox.Hosting;
using Gatehouse.AgentSandbox.Launch;
using Gatehouse.Gate;

namespace Gatehouse.AgentSandbox.CommandLine;

/// <summary><c>gatehouse up | down | status</c></summary>
internal static class ServiceCommands
{
    public static Command Up()
    {
        var command = new Command("up", "Starts the services in the background.");
        command.SetAction(_ =>
        {
            var host = Host(out var run);
            Console.Out.WriteLine(host.EnsureUp() ? $"The services are up ({run.Path})." : $"The services were up already ({run.Path}).");
            return 0;
        });
        return command;
    }

    public static Command Down()
    {
        var command = new Command("down", "Stops the services; running sessions lose every way out.");
        command.SetAction(_ =>
        {
            Console.Out.WriteLine(Host(out var _).Down() ? "The services are down." : "No services were up.");
            return 0;
        });
        return command;
    }

    public static Command Status()
    {
        var json = new Option<bool>("--json") { Description = "One object a line" };
        var command = new Command("status", "Shows the services. Exit code 69 when one is not there.") { json };
        command.SetAction(parsed =>
        {
            var host = Host(out var run);
            var state = HostState.TryRead(run);
            var lines = new List<ServiceStatus>();
            foreach (var (gate, service) in new[] { ("dns", "dns-resolver"), ("egress", "egress-proxy"), ("secrets", "secrets-gateway") })
            {
                var known = state?.Resources.FirstOrDefault(resource => resource.Name == service);
                lines.Add(new(service, host.IsListening(gate) ? "Running" : "NotRunning", known?.Url, known?.Pid));
            }

            using var sink = Recording.LogSinkClient.TryOpen(run);
            var sinkUp = sink is not null && sink.IsHealthyAsync().GetAwaiter().GetResult();
            var hosted = state?.Resources.FirstOrDefault(resource => resource.Name == "log-sink");
            lines.Add(new("log-sink", sinkUp ? "Running" : "NotRunning", hosted?.Url, hosted?.Pid));
            foreach (var line in lines)
            {
                Console.Out.WriteLine(parsed.GetValue(json)
                    ? JsonSerializer.Serialize(line, HostJson.Default.ServiceStatus)
                    : $"{line.Name,-16} {line.State,-11} {line.Pid,7} {line.Url}");
            }

            return lines.TrueForAll(line => line.State == "Running") ? 0 : ExitCodes.Unavailable;
        });
        return command;
    }

    private static ServiceHost Host(out RunDirectory run)
    {
        run = RunDirectory.Open();
        return new(run, StateDirectory.Open());
    }
}
