using System.CommandLine;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Gatehouse.AgentSandbox.Launch;
using Gatehouse.AgentSandbox.Recording;
using Gatehouse.AgentSandbox.Workspaces.Diffs;
using Gatehouse.Gate;
using Gatehouse.Gate.Policies;
using Gatehouse.Policy;
using Gatehouse.Policy.Editing;
using Gatehouse.Policy.Events;
using Gatehouse.Policy.Learning;

namespace Gatehouse.AgentSandbox.CommandLine;

/// <summary><c>gatehouse policy learn SESSION</c></summary>
internal static class LearnCommand
{
    /// <summary>Denials that are looked at, newest first.</summary>
    private const int MostEvents = 50_000;

    private static readonly UTF8Encoding s_utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static Command Create()
    {
        var session = new Argument<string>("session") { Description = "Session, or the beginning of its name" };
        var file = new Option<FileInfo?>("--policy", "-p") { Description = "Policy file; default: the one that the session ran under" };
        var lookups = new Option<bool>("--lookups") { Description = "Also names that were only looked up, as programs that use no proxy do first: at port 443, which is a guess" };
        var write = new Option<bool>("--write") { Description = "Change the policy file, after the diff is printed" };
        var command = new Command("learn", "Prints the least that would have allowed what a session was denied, as a diff of the policy.") { session, file, lookups, write };
        command.SetAction(async (parsed, cancelled) =>
        {
            var run = RunDirectory.Open();
            using var sink = LogSinkClient.Open(run);
            var name = (await SessionNames.FindAsync(sink, parsed.GetValue(session), cancelled))!;
            var policy = LoadedPolicy.Load(parsed.GetValue(file)?.FullName ?? await PolicyOfAsync(sink, name, cancelled));
            var denied = await DeniedAsync(sink, name, cancelled);
            if (Learn(policy, denied, parsed.GetValue(lookups)) is var (before, after) && parsed.GetValue(write))
                await WriteAsync(new(StateDirectory.Open(), run, TimeProvider.System), name, policy.Path, before, after);
            return 0;
        });
        return command;
    }

    /// <summary>Not the nearest one: that may be another project's, and would be opened for what this session tried.</summary>
    private static async Task<string> PolicyOfAsync(LogSinkClient sink, string session, CancellationToken cancelled)
    {
        var (path, folder) = ("", "");
        await foreach (var line in sink.ReadLinesAsync($"/sessions?session={Uri.EscapeDataString(session)}", cancelled))
        {
            using var document = JsonDocument.Parse(line);
            (path, folder) = (document.RootElement.Text("policy"), document.RootElement.Text("workingDirectory"));
        }

        if (Path.IsPathFullyQualified(path))
        {
            return File.Exists(path) ? path
                : throw new LaunchException(ExitCodes.BadPolicy, Printable.Line($"the session ran under {path}, which is not there any more: name a policy with --policy"));
        }

        // It ran without one: what was written for its folder since is meant.
        return (Directory.Exists(folder) ? LoadedPolicy.Locate(folder) : null)
            ?? throw new LaunchException(ExitCodes.BadPolicy, Printable.Line($"the session ran without a policy file{(folder.Length > 0 ? $" in {folder}" : "")}: write one there with 'gatehouse init', or name one with --policy"));
    }

    /// <summary>Says what it found.</summary>
    /// <returns>The policy's bytes, as they are and as they would be; null when nothing is to be added.</returns>
    private static (byte[] Before, byte[] After)? Learn(LoadedPolicy policy, List<BoundaryEvent> denied, bool lookups)
    {
        var (rules, left, cut) = PolicyLearner.Learn(policy.Policy, denied);
        var (before, text, mark) = Read(policy.Path);
        var added = 0;
        foreach (var rule in rules.Where(rule => rule.IsSafe || (lookups && rule.IsGuess)))
        {
            var (next, error) = PolicyEditor.AddEgressRule(text, rule.Subject, rule.Port);
            if (next is null)
                Terminal.Say(Printable.Line($"{rule.Subject}:{rule.Port} was left out: {error}"));
            else
                (text, added) = (next, added + 1);
        }

        foreach (var rule in rules.Where(rule => !rule.IsSafe || rule.Note is not null))
            Console.Out.WriteLine(Printable.Line($"# {Where(rule)}: - {rule.Line}   # {rule.Note}; tried {rule.Count} times"));
        foreach (var (why, count) in left)
            Console.Out.WriteLine(Printable.Line($"# no rule changes this: {why}; tried {count} times"));
        if (cut > 0)
            Console.Out.WriteLine($"# {cut} more suggestions are not shown, and not added: no program needs so many");
        if (denied.Count >= MostEvents)
            Console.Out.WriteLine($"# only the newest {MostEvents} denials were looked at: there may be older ones");
        var after = s_utf8.GetBytes(mark + text);
        if (added > 0 && !after.AsSpan().SequenceEqual(before))
        {
            UnifiedDiff.WriteText(Console.Out, Path.GetFileName(policy.Path), before, after);
            return (before, after);
        }

        var judged = rules.Count(rule => !rule.IsSafe && !(lookups && rule.IsGuess));
        Console.Error.WriteLine(denied.Count == 0 ? "The session was denied nothing."
            : judged > 0 ? $"Nothing is added by itself: {judged} suggestions are for you to judge, and to write by hand."
            : "Nothing to add to the policy.");
        return null;
    }

    private static (byte[] Bytes, string Text, string Mark) Read(string path)
    {
        try
        {
            var bytes = File.ReadAllBytes(path);
            var text = s_utf8.GetString(bytes);
            // A byte order mark stays where it is; in the middle of an edit it would be a character.
            return text.StartsWith('\uFEFF') ? (bytes, text[1..], "\uFEFF") : (bytes, text, "");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or DecoderFallbackException)
        {
            throw new LaunchException(ExitCodes.BadPolicy, $"the policy {path} can not be read: {e.Message}", e);
        }
    }

    private static string Where(SuggestedRule rule) => rule.Kind == SuggestedKind.SecretCall ? $"secrets ({rule.Subject}) allow" : "egress.allow";

    // As the console does: recorded first, or not done.
    private static async Task WriteAsync(SessionEvents events, string session, string path, byte[] before, byte[] after)
    {
        if (!await events.TryRecordAsync(Edit(BoundaryActions.PolicyEdited)))
            throw new LaunchException(ExitCodes.Unavailable, "the record took nothing, so the policy was left as it is: see 'gatehouse status'");
        if (PolicyReplacement.TryReplace(path, before, after) is { } problem)
        {
            await events.RecordAsync(Edit(BoundaryActions.PolicyFailed) with { Verdict = VerdictKind.Denied, Reason = problem.Length > 1024 ? problem[..1024] : problem });
            throw new LaunchException(ExitCodes.NotPermitted, Printable.Line($"{path} is as it was: {problem}"));
        }

        Terminal.Say(Printable.Line($"{path} has the new rules"));

        BoundaryEvent Edit(string action) => events.Create(session, "", Boundary.Sandbox, action, path, ("who", "terminal"), ("before", Sha256(before)), ("after", Sha256(after)));
    }

    private static string Sha256(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    private static async Task<List<BoundaryEvent>> DeniedAsync(LogSinkClient sink, string session, CancellationToken cancelled)
    {
        var events = new List<BoundaryEvent>();
        var before = "";
        while (events.Count < MostEvents)
        {
            var got = events.Count;
            await foreach (var line in sink.ReadLinesAsync($"/events?session={Uri.EscapeDataString(session)}&verdict=denied&order=desc&limit=1000{before}", cancelled))
            {
                if (JsonSerializer.Deserialize(line, EventJson.Default.BoundaryEvent) is { } each)
                    events.Add(each);
                using var document = JsonDocument.Parse(line);
                before = $"&before={document.RootElement.Number("sequence")}";
            }

            if (events.Count == got)
                break;
        }

        return events;
    }
}
