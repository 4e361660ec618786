using System.Collections.Immutable;
using System.CommandLine;
using Gatehouse.AgentSandbox.Launch;
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
        command.SetAction(parsed => Guard(() => Each(parsed.GetValue(session), BoundaryActions.ChangesApplied, "applied", (store, record, workspace) =>
        {
            using var review = OverlayReview.Open(record, workspace);
            store.Save(record with { State = SessionState.Applying });
            var finished = review.Finish();
            var changes = review.Changes();
            ImmutableArray<RelativePath> named = [.. (parsed.GetValue(paths) ?? []).Select(text => PathSelection.Of(record, text))
                .Where(selection => record.Workspaces[selection.Workspace] == workspace).Select(selection => selection.Path)];
            if (named.IsEmpty && parsed.GetValue(paths) is { Length: > 0 })
                return new(default, changes.Length);
            var plan = review.Plan(changes, named);
            ImmutableArray<AppliedStep> steps;
            try
            {
                steps = [.. finished, .. review.Apply(plan, parsed.GetValue(force))];
            }
            catch (WorkspaceException)
            {
                store.Save(record with { State = SessionState.Ended });
                // What an interrupted apply left to do is done all the same.
                if (!finished.IsEmpty)
                    Report(finished, "applied");
                throw;
            }

            foreach (var held in plan.Held)
                Console.Out.WriteLine($"held back  {held.Change.Path}: {held.Explain()}{(held.CanBeNamed ? "; name it to apply it" : "")}");
            var left = review.Changes().Length;
            store.Save(record with { State = left == 0 ? SessionState.Applied : SessionState.Ended });
            return new(steps, left);
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
        command.SetAction(parsed => Guard(() => Each(parsed.GetValue(session), BoundaryActions.ChangesUndone, "taken back", (store, record, workspace) =>
        {
            using var review = OverlayReview.Open(record, workspace);
            store.Save(record with { State = SessionState.Undoing });
            var steps = review.Undo(parsed.GetValue(force));
            store.Save(record with { State = SessionState.Ended });
            return new(steps, review.Changes().Length);
        })));
        return command;
    }

    private static Argument<string?> Session() =>
        new("session") { Description = "Session, or the beginning of its name; default: the newest with something to review", Arity = ArgumentArity.ZeroOrOne };

    private static int Each(string? name, string action, string word, Func<SessionStore, SessionRecord, WorkspaceRecord, Reviewed> act)
    {
        var store = SessionNames.Store();
        var record = store.Find(name);
        var events = Events();
        using var held = store.Lock(record.Id);
        var (code, done, waiting) = (0, 0, 0);
        foreach (var workspace in record.Workspaces)
        {
            if (workspace.Mode == WorkspaceMode.Worktree)
                Console.Out.WriteLine(WorktreeWorkspace.HowToApply(workspace));
            else
                Take(act(store, record, workspace));
        }

        if (record.Workspaces.Any(workspace => workspace.Mode == WorkspaceMode.Overlay))
            Record(events, record.Id, action, new($"{done} {word}", waiting));
        return code;

        void Take(Reviewed reviewed)
        {
            waiting += reviewed.Waiting;
            if (reviewed.Steps.IsDefault)
                return;
            code = Math.Max(code, Report(reviewed.Steps, word));
            done += reviewed.Steps.Count(step => step.Outcome == StepOutcome.Applied);
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

    /// <param name="Steps">What was done to one workspace; default where nothing of it was named.</param>
    /// <param name="Waiting">Changes of it that are left.</param>
    private readonly record struct Reviewed(ImmutableArray<AppliedStep> Steps, int Waiting);

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
