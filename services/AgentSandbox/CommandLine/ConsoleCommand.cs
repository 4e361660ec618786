using System.CommandLine;
using System.Net;
using System.Text.Json;
using Gatehouse.AgentSandbox.Hosting;
using Gatehouse.AgentSandbox.Launch;
using Gatehouse.AgentSandbox.Recording;
using Gatehouse.Gate;

namespace Gatehouse.AgentSandbox.CommandLine;

/// <summary><c>gatehouse console [--json]</c></summary>
internal static class ConsoleCommand
{
    public static Command Create()
    {
        var json = new Option<bool>("--json") { Description = "One object: url, seconds" };
        var command = new Command("console", "Prints a link that opens the console in a browser, once, within five minutes. Starts the services when none is up.") { json };
        // Children are tied to the main thread.
        command.SetAction(parsed =>
        {
            var run = RunDirectory.Open();
            new ServiceHost(run, StateDirectory.Open()).EnsureUp();
            using var sink = LogSinkClient.Open(run);
            if (sink.Url is not { } url)
                throw new LaunchException(ExitCodes.Unavailable, "this log sink listens on a unix socket, where no browser can go: give it an http address too (ASPNETCORE_URLS)");
            var (status, body) = sink.SendAsync("/console/links", null, CancellationToken.None).GetAwaiter().GetResult();
            if (status != HttpStatusCode.OK)
                throw new LaunchException(ExitCodes.Unavailable, $"the log sink answered {(int)status}: is it of this version? 'gatehouse down', then try again");
            using var link = JsonDocument.Parse(body);
            var address = new Uri(url, link.RootElement.Text("path")).AbsoluteUri;
            Console.Out.WriteLine(parsed.GetValue(json) ? $$"""{"url":"{{address}}","seconds":{{link.RootElement.GetProperty("seconds").GetInt32()}}}""" : address);
            if (!parsed.GetValue(json) && Terminal.IsTerminal(1))
                Terminal.Say("open it within five minutes; it works once");
            return 0;
        });
        return command;
    }
}
