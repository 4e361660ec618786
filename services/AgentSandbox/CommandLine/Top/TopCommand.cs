using System.CommandLine;
using Gatehouse.AgentSandbox.Launch;
using Gatehouse.AgentSandbox.Recording;
using Gatehouse.Gate;

namespace Gatehouse.AgentSandbox.CommandLine.Top;

/// <summary><c>gatehouse top</c>: the running sessions and what waits for an answer, drawn anew every second.</summary>
internal static class TopCommand
{
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(1);

    /// <summary>Of what is printed for somebody else to read: nothing there has a width of its own.</summary>
    private const int PlainWidth = 200;

    public static Command Create()
    {
        var once = new Option<bool>("--once") { Description = "Print once and end, without taking the screen" };
        var json = new Option<bool>("--json") { Description = "Likewise, one object a line: the sessions that run, then what waits for an answer" };
        var command = new Command("top", "Shows the running sessions, live. Ctrl-C ends it.") { once, json };
        command.SetAction(async (parsed, cancelled) =>
        {
            using var sink = LogSinkClient.Open(RunDirectory.Open());
            if (parsed.GetValue(json))
            {
                await foreach (var (line, _) in TopSnapshot.LinesAsync(sink, cancelled))
                    Console.Out.WriteLine(line);
            }
            else if (parsed.GetValue(once) || !Terminal.IsTerminal(1))
            {
                foreach (var line in TopView.Lines(await TopSnapshot.ReadAsync(sink, TimeProvider.System, cancelled), PlainWidth, int.MaxValue, colours: false))
                    Console.Out.WriteLine(line.TrimEnd());
            }
            else
            {
                await FollowAsync(sink, cancelled);
            }

            return 0;
        });
        return command;
    }

    private static async Task FollowAsync(LogSinkClient sink, CancellationToken cancelled)
    {
        // https://no-color.org
        var colours = Environment.GetEnvironmentVariable("NO_COLOR") is not { Length: > 0 };
        // Before the screen is taken: what is wrong from the start is said where it stays.
        var snapshot = await TopSnapshot.ReadAsync(sink, TimeProvider.System, cancelled);
        using var screen = new TopScreen();
        try
        {
            while (true)
            {
                screen.Draw(TopView.Lines(snapshot, TopScreen.Width, TopScreen.Height, colours));
                await screen.WaitAsync(s_interval, cancelled);
                snapshot = await TopSnapshot.ReadAsync(sink, TimeProvider.System, cancelled);
            }
        }
        catch (OperationCanceledException)
        {
            // Ctrl-C, its ordinary end.
        }
    }
}
