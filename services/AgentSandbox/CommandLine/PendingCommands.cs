using System.CommandLine;
using System.Net;
using System.Text.Json;
using Gatehouse.AgentSandbox.Launch;
using Gatehouse.AgentSandbox.Recording;
using Gatehouse.Gate;

namespace Gatehouse.AgentSandbox.CommandLine;

/// <summary><c>gatehouse pending | approve ID | deny ID</c>: connections that are held for a person's answer.</summary>
internal static class PendingCommands
{
    /// <summary>Of a UUIDv7 the end is random: enough of it to tell a thousand apart.</summary>
    private const int ShortId = 8;

    public static Command Pending()
    {
        var json = new Option<bool>("--json") { Description = "One object a line" };
        var follow = new Option<bool>("--follow", "-f") { Description = "Go on with what comes, until Ctrl-C" };
        var command = new Command("pending", "Lists the connections that wait for your answer.") { json, follow };
        command.SetAction(async (parsed, cancelled) =>
        {
            using var sink = LogSinkClient.Open(RunDirectory.Open());
            var any = false;
            await foreach (var line in parsed.GetValue(follow) ? sink.FollowAsync("/asks/stream", ignored: "gone", cancelled) : sink.ReadLinesAsync("/asks?state=waiting", cancelled))
            {
                any = true;
                Console.Out.WriteLine(parsed.GetValue(json) ? line : Line(line));
            }

            if (!any && !parsed.GetValue(json))
                Console.Error.WriteLine("Nothing waits for an answer.");
            return 0;
        });
        return command;
    }

    public static Command Approve()
    {
        var id = Id();
        var once = new Option<bool>("--once") { Description = "The connections that wait now (default)" };
        var session = new Option<bool>("--session") { Description = "This destination, until the session ends" };
        var always = new Option<bool>("--always") { Description = "Write it into the policy file" };
        var command = new Command("approve", "Lets a held connection go on.") { id, once, session, always };
        command.Validators.Add(result =>
        {
            if (new[] { once, session, always }.Count(option => result.GetValue(option)) > 1)
                result.AddError("Give one of --once, --session and --always.");
        });
        command.SetAction((parsed, cancelled) => AnswerAsync(
            parsed.GetValue(id)!, "allow", parsed.GetValue(always) ? "always" : parsed.GetValue(session) ? "session" : "once", cancelled));
        return command;
    }

    public static Command Deny()
    {
        var id = Id();
        var session = new Option<bool>("--session") { Description = "This destination, until the session ends" };
        var command = new Command("deny", "Refuses a held connection.") { id, session };
        command.SetAction((parsed, cancelled) => AnswerAsync(parsed.GetValue(id)!, "deny", parsed.GetValue(session) ? "session" : "once", cancelled));
        return command;
    }

    private static Argument<string> Id() => new("id") { Description = "As 'gatehouse pending' shows it: the whole, or its end" };

    private static async Task<int> AnswerAsync(string typed, string verdict, string scope, CancellationToken cancelled)
    {
        using var sink = LogSinkClient.Open(RunDirectory.Open());
        var (id, subject) = await FindAsync(sink, typed, cancelled);
        var (status, body) = await sink.SendAsync($"/asks/{id}/answer", $$"""{"verdict":"{{verdict}}","scope":"{{scope}}"}""", cancelled);
        if (status == HttpStatusCode.OK)
        {
            Console.Out.WriteLine(Printable.Line($"{subject}: {(verdict == "allow" ? "allowed" : "denied")} ({scope})"));
            return 0;
        }

        throw new LaunchException(status == HttpStatusCode.ServiceUnavailable ? ExitCodes.Unavailable : ExitCodes.Usage, Printable.Line($"{subject}: {Detail(status, body)}"));
    }

    private static async Task<(string Id, string Subject)> FindAsync(LogSinkClient sink, string typed, CancellationToken cancelled)
    {
        List<(string Id, string Subject)> found = [];
        if (typed.Length >= 4)
        {
            await foreach (var line in sink.ReadLinesAsync("/asks?state=waiting", cancelled))
            {
                using var document = JsonDocument.Parse(line);
                var id = document.RootElement.Text("id");
                if (id.EndsWith(typed, StringComparison.OrdinalIgnoreCase))
                    found.Add((id, document.RootElement.Text("subject")));
            }
        }

        if (found.Count == 1)
            return found[0];
        // A whole id that no longer waits: the sink says what became of it.
        if (Guid.TryParseExact(typed, "D", out var whole))
            return (whole.ToString("D"), typed);
        throw new LaunchException(ExitCodes.Usage, found.Count == 0
            ? $"nothing that waits ends in '{Printable.Line(typed)}': see 'gatehouse pending'"
            : $"{found.Count} that wait end in '{Printable.Line(typed)}': give more of the id");
    }

    private static string Line(string line)
    {
        using var document = JsonDocument.Parse(line);
        var ask = document.RootElement;
        var left = ask.Time("expires") - TimeProvider.System.GetUtcNow();
        return Printable.Line(
            $"{ask.Text("id")[^ShortId..]}  {ask.Text("subject"),-40} {Math.Max(0, (int)left.TotalSeconds),4} s left  session {ask.Text("session")}  ({ask.Text("rule")})");
    }

    private static string Detail(HttpStatusCode status, string body) =>
        LogSinkClient.Detail(body) is { Length: > 0 } detail ? detail : $"the log sink answered {(int)status}";
}
