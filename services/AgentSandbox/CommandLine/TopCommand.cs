using System.CommandLine;
using System.Text;
using System.Text.Json;
using Gatehouse.AgentSandbox.Recording;
using Gatehouse.Gate;

namespace Gatehouse.AgentSandbox.CommandLine;

/// <summary><c>gatehouse top</c>: the running sessions and what waits for an answer, drawn anew every second.</summary>
internal static class TopCommand
{
    // Own escapes, not Spectre.Console's renderer: that one finds its widgets by reflection, and this command is compiled ahead of time.
    private const string Enter = "\u001b[?1049h\u001b[?25l", Leave = "\u001b[?25h\u001b[?1049l", Home = "\u001b[H", ToEnd = "\u001b[K", Below = "\u001b[J";

    private const string Bold = "\u001b[1m", Red = "\u001b[31m", Plain = "\u001b[0m";

    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(1);

    public static Command Create()
    {
        var once = new Option<bool>("--once") { Description = "Print once and end, without taking the screen" };
        var command = new Command("top", "Shows the running sessions, live. Ctrl-C ends it.") { once };
        command.SetAction(async (parsed, cancelled) =>
        {
            using var sink = LogSinkClient.Open(RunDirectory.Open());
            if (parsed.GetValue(once) || Console.IsOutputRedirected)
            {
                foreach (var line in await LinesAsync(sink, 200, colours: false, cancelled))
                    Console.Out.WriteLine(line);
                return 0;
            }

            Console.Out.Write(Enter);
            try
            {
                while (true)
                {
                    await DrawAsync(sink, cancelled);
                    await Task.Delay(s_interval, cancelled);
                }
            }
            catch (OperationCanceledException)
            {
                return 0;
            }
            finally
            {
                Console.Out.Write(Leave);
            }
        });
        return command;
    }

    private static async Task DrawAsync(LogSinkClient sink, CancellationToken cancelled)
    {
        var width = Math.Max(20, Console.WindowWidth);
        var lines = await LinesAsync(sink, width, colours: true, cancelled);
        var screen = new StringBuilder(Home);
        foreach (var line in lines.Take(Math.Max(1, Console.WindowHeight - 1)))
            screen.Append(line).Append(ToEnd).Append("\r\n");
        Console.Out.Write(screen.Append(Below).ToString());
    }

    private static async Task<List<string>> LinesAsync(LogSinkClient sink, int width, bool colours, CancellationToken cancelled)
    {
        List<string> running = [], waiting = [];
        await foreach (var line in sink.ReadLinesAsync("/sessions?limit=1000", cancelled))
        {
            using var document = JsonDocument.Parse(line);
            var each = document.RootElement;
            if (each.TryGetProperty("ended", out _))
                continue;
            var age = TimeProvider.System.GetUtcNow() - each.Time("started");
            running.Add(Styled(each.Number("denied") > 0 ? Red : "",
                $"{each.Text("session"),-24} {Age(age),8} {each.Number("allowed"),8} {each.Number("denied"),8} {Bytes.Display(each.Number("bytesSent")),10} {Bytes.Display(each.Number("bytesReceived")),10}  {each.Text("command")}"));
        }

        await foreach (var line in sink.ReadLinesAsync("/asks?state=waiting", cancelled))
        {
            using var document = JsonDocument.Parse(line);
            var ask = document.RootElement;
            waiting.Add(Styled("", $"{ask.Text("id")[^8..]}  {ask.Text("subject"),-40} session {ask.Text("session")}"));
        }

        List<string> lines = [Styled(Bold, $"{"SESSION",-24} {"AGE",8} {"ALLOWED",8} {"DENIED",8} {"OUT",10} {"IN",10}  COMMAND"), .. running];
        if (running.Count == 0)
            lines.Add("No session is running.");
        if (waiting.Count > 0)
            lines.AddRange(["", Styled(Bold, $"{waiting.Count} WAIT FOR YOU: gatehouse approve ID | deny ID"), .. waiting]);
        return lines;

        // Made printable before it is cut, and cut before it is coloured: nothing of the agent's gets to the terminal as it is.
        string Styled(string style, string text)
        {
            text = Printable.Line(text);
            if (text.Length > width)
                text = text[..(width - 1)] + "…";
            return colours && style.Length > 0 ? style + text + Plain : text;
        }
    }

    private static string Age(TimeSpan age) => age < TimeSpan.Zero ? "0s"
        : age.TotalHours >= 1 ? $"{(int)age.TotalHours}h{age.Minutes:00}m"
        : age.TotalMinutes >= 1 ? $"{age.Minutes}m{age.Seconds:00}s" : $"{age.Seconds}s";
}
