using System.CommandLine;
using System.Text;
using System.Text.Json;
using Gatehouse.AgentSandbox.Launch;
using Gatehouse.AgentSandbox.Recording;
using Gatehouse.AgentSandbox.Workspaces.Diffs;
using Gatehouse.Gate;
using Gatehouse.Policy.Editing;
using Gatehouse.Policy.Events;
using Gatehouse.Policy.Learning;

namespace Gatehouse.AgentSandbox.CommandLine;

/// <summary><c>gatehouse policy learn SESSION</c></summary>
internal static class LearnCommand
{
    /// <summary>Denials that are looked at, newest first.</summary>
    private const int MostEvents = 50_000;

    public static Command Create()
    {
        var session = new Argument<string>("session") { Description = "Session, or the beginning of its name" };
        var file = new Option<FileInfo?>("--policy", "-p") { Description = "Policy file; default: the nearest gatehouse.yaml" };
        var write = new Option<bool>("--write") { Description = "Change the policy file, after the diff is printed" };
        var command = new Command("learn", "Prints the least that would have allowed what a session was denied, as a diff of the policy.") { session, file, write };
        command.SetAction(async (parsed, cancelled) =>
        {
            var policy = LoadedPolicy.Load(parsed.GetValue(file)?.FullName ?? LoadedPolicy.Locate(Environment.CurrentDirectory)
                ?? throw new LaunchException(ExitCodes.BadPolicy, "there is no gatehouse.yaml here or above: write one with 'gatehouse init'"));
            using var sink = LogSinkClient.Open(RunDirectory.Open());
            var denied = await DeniedAsync(sink, SessionNames.Complete(parsed.GetValue(session))!, cancelled);
            return Learn(policy, PolicyLearner.Learn(policy.Policy, denied), parsed.GetValue(write));
        });
        return command;
    }

    private static int Learn(LoadedPolicy policy, Lesson lesson, bool write)
    {
        var rules = lesson.Rules;
        var before = File.ReadAllText(policy.Path);
        var after = before;
        foreach (var rule in rules.Where(rule => rule.IsSafe))
        {
            var (text, error) = PolicyEditor.AddEgressRule(after, rule.Subject, rule.Port);
            if (text is null)
                Terminal.Say(Printable.Line($"{rule.Subject}:{rule.Port} was left out: {error}"));
            else
                after = text;
        }

        foreach (var rule in rules.Where(rule => !rule.IsSafe || rule.Note is not null))
            Console.Out.WriteLine(Printable.Line($"# {Where(rule)}: - {rule.Line}   # {rule.Note}; tried {rule.Count} times"));
        foreach (var (why, count) in lesson.Left)
            Console.Out.WriteLine(Printable.Line($"# no rule changes this: {why}; tried {count} times"));
        if (after == before)
        {
            Console.Error.WriteLine("Nothing to add to the policy.");
            return 0;
        }

        UnifiedDiff.WriteText(Console.Out, Path.GetFileName(policy.Path), Encoding.UTF8.GetBytes(before), Encoding.UTF8.GetBytes(after));
        if (write)
            Replace(policy.Path, after);
        return 0;
    }

    private static string Where(SuggestedRule rule) => rule.Kind == SuggestedKind.SecretCall ? $"secrets ({rule.Subject}) allow" : "egress.allow";

    private static void Replace(string path, string text)
    {
        var target = File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path;
        var beside = $"{target}.{Guid.NewGuid():N}";
        File.WriteAllText(beside, text);
        File.SetUnixFileMode(beside, File.GetUnixFileMode(target));
        File.Move(beside, target, overwrite: true);
    }

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
