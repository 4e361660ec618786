using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Gatehouse.AgentSandbox.Recording;
using Gatehouse.Gate;

namespace Gatehouse.AgentSandbox.CommandLine;

/// <summary><c>gatehouse log [S] | sessions</c></summary>
internal static class LogCommands
{
    private static readonly string[] s_gates = ["dns", "egress", "secrets", "filesystem", "execution", "sandbox"];
    private static readonly string[] s_verdicts = ["allowed", "denied"];

    /// <summary>What the sink gives at a time.</summary>
    private const int Page = 1_000;

    public static Command Log()
    {
        var session = new Argument<string?>("session") { Description = "Session, or the beginning of its name; default: all", Arity = ArgumentArity.ZeroOrOne };
        var follow = new Option<bool>("--follow", "-f") { Description = "Go on with what comes, until Ctrl-C" };
        var json = new Option<bool>("--json") { Description = "One object a line" };
        var gate = new Option<string?>("--gate") { Description = string.Join(", ", s_gates) };
        gate.AcceptOnlyFromAmong(s_gates);
        var verdict = new Option<string?>("--verdict") { Description = string.Join(", ", s_verdicts) };
        verdict.AcceptOnlyFromAmong(s_verdicts);
        var name = new Option<string?>("--name") { Description = "Only events whose subject contains this" };
        var limit = new Option<int>("--limit", "-n") { Description = "Newest so many", DefaultValueFactory = _ => 100 };
        AcceptUpToAMillion(limit);
        var command = new Command("log", "Shows what was tried at every boundary, and what was allowed and blocked.") { session, follow, json, gate, verdict, name, limit };
        command.Add(VerifyCommand.Create());
        command.Add(ExportCommand.Create());
        command.Add(ExportCommand.Key());
        command.SetAction(async (parsed, cancelled) =>
        {
            using var sink = LogSinkClient.Open(RunDirectory.Open());
            var filter = string.Concat(
                Parameter("session", await SessionNames.FindAsync(sink, parsed.GetValue(session), cancelled)), Parameter("gate", parsed.GetValue(gate)),
                Parameter("verdict", parsed.GetValue(verdict)), Parameter("name", parsed.GetValue(name)));
            var last = 0L;
            foreach (var line in await NewestAsync(sink, filter, parsed.GetValue(limit), cancelled))
                last = Print(line, parsed.GetValue(json));
            if (!parsed.GetValue(follow))
                return 0;
            await foreach (var line in sink.FollowAsync($"/events/stream?after={last}{filter}", ignored: null, cancelled))
                Print(line, parsed.GetValue(json));
            return 0;
        });
        return command;
    }

    public static Command Sessions()
    {
        var json = new Option<bool>("--json") { Description = "One object a line" };
        var limit = new Option<int>("--limit", "-n") { Description = "Newest so many", DefaultValueFactory = _ => 20 };
        AcceptUpToAMillion(limit);
        var command = new Command("sessions", "Lists sessions, newest first.") { json, limit };
        command.SetAction(async (parsed, cancelled) =>
        {
            using var sink = LogSinkClient.Open(RunDirectory.Open());
            await foreach (var line in NewestSessionsAsync(sink, parsed.GetValue(limit), cancelled))
            {
                if (parsed.GetValue(json))
                {
                    Console.Out.WriteLine(line);
                    continue;
                }

                using var document = JsonDocument.Parse(line);
                var each = document.RootElement;
                Console.Out.WriteLine(Printable.Line(
                    $"{Text(each, "session"),-24} {Time(each, "started"):MM-dd HH:mm:ss} {State(each),-10} {Number(each, "allowed"),6} allowed {Number(each, "denied"),6} denied  {Text(each, "command")}{Incomplete(each)}"));
            }

            return 0;
        });
        return command;
    }

    private static void AcceptUpToAMillion(Option<int> limit) => limit.Validators.Add(result =>
    {
        if (result.GetValueOrDefault<int>() is < 1 or > 1_000_000)
            result.AddError("--limit takes 1 to 1,000,000.");
    });

    private static async IAsyncEnumerable<string> NewestSessionsAsync(
        LogSinkClient sink, int limit, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancelled)
    {
        var (last, before) = ("", "");
        do
        {
            before = last.Length == 0 ? "" : $"&older={Uri.EscapeDataString(last)}";
            last = "";
            var page = Math.Min(Page, limit);
            await foreach (var line in sink.ReadLinesAsync($"/sessions?limit={page}{before}", cancelled))
            {
                using (var document = JsonDocument.Parse(line))
                    last = Text(document.RootElement, "session");
                limit--;
                yield return line;
            }
        }
        while (last.Length > 0 && limit > 0);
    }

    // Newest first; they are shown oldest first.
    private static async Task<List<string>> NewestAsync(LogSinkClient sink, string filter, int limit, CancellationToken cancelled)
    {
        var lines = new List<string>();
        var before = "";
        while (lines.Count < limit)
        {
            var got = lines.Count;
            await foreach (var line in sink.ReadLinesAsync($"/events?order=desc&limit={Math.Min(Page, limit - lines.Count)}{before}{filter}", cancelled))
                lines.Add(line);
            if (lines.Count == got)
                break;
            using var last = JsonDocument.Parse(lines[^1]);
            before = $"&before={Number(last.RootElement, "sequence")}";
        }

        lines.Reverse();
        return lines;
    }

    private static long Print(string line, bool json)
    {
        using var document = JsonDocument.Parse(line);
        var each = document.RootElement;
        if (json)
        {
            Console.Out.WriteLine(line);
        }
        else
        {
            var end = each.TryGetProperty("attempt", out _);
            var outcome = end
                ? $"  ↳ {Bytes.Display(Number(each, "bytesSent"))} out, {Bytes.Display(Number(each, "bytesReceived"))} in, {each.GetProperty("durationMs").GetDouble():0} ms"
                : Text(each, "reason") is { Length: > 0 } reason ? $"  {reason}" : Text(each, "rule") is { Length: > 0 } rule ? $"  ({rule})" : "";
            var mark = Text(each, "verdict") == "denied" ? "✗" : end ? " " : "✓";
            Console.Out.WriteLine(Printable.Line(
                $"{Time(each, "time"):HH:mm:ss.fff} {mark} {Text(each, "gate"),-10} {Text(each, "action"),-13} {Text(each, "subject")}{outcome}"));
        }

        return Number(each, "sequence");
    }

    private static string State(JsonElement session) =>
        !session.TryGetProperty("ended", out var ended) || ended.ValueKind == JsonValueKind.Null ? "running"
        : session.TryGetProperty("exitCode", out var code) && code.ValueKind == JsonValueKind.Number ? $"exit {code.GetInt32()}" : "ended";

    // Not everything that a gate recorded is here: 'log verify' says more.
    private static string Incomplete(JsonElement session) =>
        session.TryGetProperty("gates", out var gates) && gates.ValueKind == JsonValueKind.Object
            && gates.EnumerateObject().Any(gate => gate.Value.TryGetProperty("sealed", out var count) && count.GetInt64() != Number(gate.Value, "records"))
                ? "  (incomplete: see 'gatehouse log verify')"
                : "";

    private static string Parameter(string name, string? value) => value is null ? "" : $"&{name}={Uri.EscapeDataString(value)}";

    private static string Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";

    private static long Number(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number ? value.GetInt64() : 0;

    private static DateTimeOffset Time(JsonElement element, string name) =>
        DateTimeOffset.TryParse(Text(element, name), CultureInfo.InvariantCulture, DateTimeStyles.None, out var time) ? time.ToLocalTime() : default;
}
