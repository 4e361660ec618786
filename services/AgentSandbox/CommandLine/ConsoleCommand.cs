using System.CommandLine;
using System.Net;
using System.Text.Json;
using Gatehouse.AgentSandbox.Launch;
using Gatehouse.AgentSandbox.Recording;
using Gatehouse.Gate;

namespace Gatehouse.AgentSandbox.CommandLine;

/// <summary><c>gatehouse console</c></summary>
internal static class ConsoleCommand
{
    public static Command Create()
    {
        var command = new Command("console", "Prints a link that signs you in to the console: good once, for five minutes.");
        command.SetAction(async (_, cancelled) =>
        {
            using var sink = LogSinkClient.Open(RunDirectory.Open());
            var (status, body) = await sink.SendAsync("/console/links", null, cancelled);
            if (status is not (HttpStatusCode.OK or HttpStatusCode.Created))
                throw new LaunchException(ExitCodes.Unavailable, $"the log sink gave no link (it answered {(int)status}): see 'gatehouse status'");
            using var document = JsonDocument.Parse(body);
            Console.Out.WriteLine(Printable.Line(document.RootElement.Text("url")));
            return 0;
        });
        return command;
    }
}
