using System.Collections.Immutable;
using System.CommandLine;
using Gatehouse.AgentSandbox.Launch;
using Gatehouse.AgentSandbox.Native;
using Gatehouse.AgentSandbox.Recording;
using Gatehouse.AgentSandbox.Workspaces;
using Gatehouse.AgentSandbox.Workspaces.Applying;
using Gatehouse.AgentSandbox.Workspaces.Diffs;
using Gatehouse.AgentSandbox.Workspaces.Files;
using Gatehouse.AgentSandbox.Workspaces.Sessions;
using Gatehouse.AgentSandbox.Workspaces.Worktrees;
using Gatehouse.Gate;
using Gatehouse.Policy.Events;
using Gatehouse.Policy.Filesystem;

namespace Gatehouse.AgentSandbox.CommandLine;

/// <summary><c>gatehouse changes | apply | discard | undo</c></summary>
internal static class ReviewCommands
{
    public static Command Changes()
    {
        var session = Session();
        var json = new Option<bool>("--json") { Description = "One object a line" };
        var diff = new Option<bool>("--diff") { Description = "With the differences in text files" };
        var paths = new Argument<string[]>("path") { Description = "Only these paths and what is below them", Arity = ArgumentArity.ZeroOrMore };
        var command = new Command("changes", "Lists what a session changed in its workspaces; works while it runs.") { session, paths, json, diff };
        command.SetAction(parsed => Guard(() =>
        {
            var record = SessionNames.Store().Find(parsed.GetValue(session));
            var wanted = (parsed.GetValue(paths) ?? []).Select(text => PathSelection.Of(record, text)).ToLookup(selection => selection.Workspace, selection => selection.Path);
            foreach (var (index, workspace) in record.Workspaces.Index())
            {
                if (wanted.Count > 0 && !wanted.Contains(index))
                    continue;
                using var review = workspace.Mode == WorkspaceMode.Overlay ? OverlayReview.Open(record, workspace) : null;
                foreach (var change in review?.Changes() ?? WorktreeWorkspace.Changes(workspace, record.HideRules()))
                {
                    if (wanted.Count > 0 && !wanted[index].Any(change.Path.IsWithin))
                        continue;
                    Console.Out.WriteLine(parsed.GetValue(json) ? ChangeLine.Json(workspace, change) : ChangeLine.Text(workspace, change));
                    if (!parsed.GetValue(diff))
                        continue;
                    var (old, now) = review?.Contents(change, UnifiedDiff.MaxBytes) ?? WorktreeWorkspace.Contents(workspace, change, UnifiedDiff.MaxBytes);
                    UnifiedDiff.Write(Console.Out, change, old, now);
                }

                if (review is null && !parsed.GetValue(json) && wanted.Count == 0)
                    Console.Out.WriteLine(WorktreeWorkspace.HowToApply(workspace));
            }

            // What is in no workspace was not asked for by its path.
            if (wanted.Count > 0)
                return 0;
            foreach (var change in record.RootChanges)
                Console.Out.WriteLine(parsed.GetValue(json) ? ChangeLine.RootJson(change) : ChangeLine.RootText(change));
            if (!record.RootChanges.IsEmpty && !parsed.GetValue(json))
                Console.Out.WriteLine("What is marked 'container' was in the container's own files and is gone with it; nothing of it can be applied.");

            return 0;
        }));
        return command;
    }

    public static Command Apply()
    {
        var session = Session();
        var paths = new Argument<string[]>("path") { Description = "Only these paths, as 'changes' shows them; a path that is held back is applied when it is named", Arity = ArgumentArity.ZeroOrMore };
        var force = new Option<bool>("--force") { Description = "Also over files that changed on the host meanwhile; their versions are kept for undo" };
        var command = new Command("apply", "Puts a session's changes into the workspace. What would run code on the host is held back until it is named.") { session, paths, force };
        command.SetAction(parsed => Guard(() => Each(parsed.GetValue(session), BoundaryActions.ChangesApplied, "applied", SessionState.Applying, (record, workspace, took) =>
        {
            using var review = OverlayReview.Open(record, workspace);
            var finished = review.Finish();
            var changes = review.Changes();
            ImmutableArray<RelativePath> named = [.. (parsed.GetValue(paths) ?? []).Select(text => PathSelection.Of(record, text))
                .Where(selection => record.Workspaces[selection.Workspace] == workspace).Select(selection => selection.Path)];
            // What an interrupted apply left to do is done whatever comes of the rest.
            if (!finished.IsEmpty)
                took(finished);
            if (named.IsEmpty && parsed.GetValue(paths) is { Length: > 0 })
                return changes.Length;
            var plan = review.Plan(changes, named);
            took(review.Apply(plan, parsed.GetValue(force)));
            foreach (var held in plan.Held)
                Console.Out.WriteLine($"held back  {held.Change.Path}: {held.Explain()}{(held.CanBeNamed ? "; name it to apply it" : "")}");
            return review.Changes().Length;
        })));
        return command;
    }

    public static Command Discard()
    {
        var session = Session();
        var command = new Command("discard", "Throws a session's changes away. The workspace is as it was.") { session };
        command.SetAction(parsed => Guard(() =>
        {
            var store = SessionNames.Store();
            var record = store.Find(parsed.GetValue(session));
            var events = Events();
            using var held = store.Lock(record.Id);
            foreach (var workspace in record.Workspaces)
            {
                if (workspace.Mode == WorkspaceMode.Worktree)
                    WorktreeWorkspace.Discard(workspace);
                else
                    OverlayReview.Discard(workspace);
            }

            store.Save(record with { State = SessionState.Discarded });
            Console.Out.WriteLine($"Session {record.Id} is discarded.");
            Record(events, record.Id, BoundaryActions.ChangesDiscarded, new("discarded", 0));
            return 0;
        }));
        return command;
    }

    public static Command Undo()
    {
        var session = new Argument<string>("session") { Description = "Session, or the beginning of its name" };
        var force = new Option<bool>("--force") { Description = "Also over files that changed on the host since" };
        var command = new Command("undo", "Takes the last apply of a session back.") { session, force };
        command.SetAction(parsed => Guard(() => Each(parsed.GetValue(session), BoundaryActions.ChangesUndone, "taken back", SessionState.Undoing, (record, workspace, took) =>
        {
            using var review = OverlayReview.Open(record, workspace);
            took(review.Undo(parsed.GetValue(force)));
            return review.Changes().Length;
        })));
        return command;
    }

    private static Argument<string?> Session() =>
        new("session") { Description = "Session, or the beginning of its name; default: the newest with something to review", Arity = ArgumentArity.ZeroOrOne };

    /// <summary>Acts on each workspace that can be acted on; what was done is recorded and saved also where the next one fails.</summary>
    /// <param name="name">Session, or the beginning of its name.</param>
    /// <param name="action">For the record.</param>
    /// <param name="word">What was done, in one word.</param>
    /// <param name="meanwhile">What the session's state is until the end.</param>
    /// <param name="act">Hands on the steps that it took, and returns how many changes are left.</param>
    private static int Each(string? name, string action, string word, SessionState meanwhile, Func<SessionRecord, WorkspaceRecord, Action<ImmutableArray<AppliedStep>>, int> act)
    {
        var store = SessionNames.Store();
        var record = store.Find(name);
        var events = Events();
        using var held = store.Lock(record.Id);
        var overlays = record.Workspaces.Where(workspace => workspace.Mode == WorkspaceMode.Overlay).ToList();
        foreach (var workspace in record.Workspaces.Except(overlays))
            Console.Out.WriteLine(WorktreeWorkspace.HowToApply(workspace));
        if (overlays.Count == 0)
            return 0;

        var (done, code, waiting) = (0, 0, 0);
        var (isWhole, failed) = (false, meanwhile);
        store.Save(record with { State = meanwhile });
        try
        {
            foreach (var workspace in overlays)
                waiting += act(record, workspace, Took);
            isWhole = true;
        }
        catch (WorkspaceException)
        {
            // Refused, not interrupted.
            failed = SessionState.Ended;
            throw;
        }
        finally
        {
            store.Save(record with { State = !isWhole ? failed : meanwhile == SessionState.Applying && waiting == 0 ? SessionState.Applied : SessionState.Ended });
            // A refusal that touched nothing is none of the record's business.
            if (isWhole || done > 0)
                Record(events, record.Id, action, new($"{done} {word}{(isWhole ? "" : ", then it failed")}", isWhole ? waiting : Waiting(record, overlays)));
        }

        return code;

        void Took(ImmutableArray<AppliedStep> steps)
        {
            code = Math.Max(code, Report(steps, word));
            done += steps.Count(step => step.Outcome == StepOutcome.Applied);
        }
    }

    /// <summary>Null where a workspace can not be looked at.</summary>
    private static int? Waiting(SessionRecord record, List<WorkspaceRecord> overlays)
    {
        try
        {
            return overlays.Sum(workspace =>
            {
                using var review = OverlayReview.Open(record, workspace);
                return review.Changes().Length;
            });
        }
        catch (Exception e) when (e is WorkspaceException or SystemCallException)
        {
            return null;
        }
    }

    // Before anything is done: where it can not be found out, nothing is.
    private static SessionEvents Events() => new(StateDirectory.Open(), RunDirectory.Open(), TimeProvider.System);

    private static void Record(SessionEvents events, string session, string action, LeftChanges changes)
    {
        try
        {
            // In their order: what a session left is recorded before what became of it.
            events.ReplayAsync().GetAwaiter().GetResult();
            events.RecordAsync(events.CreateChanges(session, "", action, changes)).GetAwaiter().GetResult();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It is done all the same.
            Console.Error.WriteLine($"gatehouse: the record does not say so ({e.Message})");
        }
    }

    private static int Report(ImmutableArray<AppliedStep> steps, string word)
    {
        foreach (var step in steps.Where(step => step.Outcome != StepOutcome.Applied))
            Console.Out.WriteLine($"not {word}  {step.Path}: {step.Message}");
        Console.Out.WriteLine($"{steps.Count(step => step.Outcome == StepOutcome.Applied)} {word}.");
        return steps.All(step => step.Outcome == StepOutcome.Applied) ? 0 : ExitCodes.Internal;
    }

    private static int Guard(Func<int> act)
    {
        try
        {
            return act();
        }
        catch (WorkspaceException e)
        {
            throw new LaunchException(ExitCodes.NotPermitted, e.Message, e);
        }
    }
}
