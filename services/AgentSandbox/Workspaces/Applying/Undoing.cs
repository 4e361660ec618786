using Gatehouse.AgentSandbox.Native;
using Gatehouse.AgentSandbox.Workspaces.Files;
using static Gatehouse.AgentSandbox.Workspaces.Files.FileCalls;

namespace Gatehouse.AgentSandbox.Workspaces.Applying;

/// <summary>
/// Takes an apply back, last step first. What is left to do shows in what is there: an old version still kept is one still to be put back; so it can be
/// cut off anywhere and begun again.
/// </summary>
/// <param name="host">The workspace.</param>
/// <param name="journal">The apply.</param>
/// <param name="session">The workspace's part of the session, for <see cref="RestoredFiles"/>.</param>
/// <param name="force">Whether what was changed since is lost.</param>
/// <param name="checkpoint">Called between the parts of each step; tests end the process there.</param>
internal sealed class Undoing(Folder host, ApplyJournal journal, Folder session, bool force, Action<string>? checkpoint = null)
{
    /// <returns>A result for each step that was applied.</returns>
    public List<(ApplyStep Step, StepResult Result)> Run()
    {
        var results = new List<(ApplyStep, StepResult)>();
        OpenFolders();
        foreach (var step in journal.Plan.Steps.Reverse())
        {
            // A step that failed may have got as far as keeping the old version.
            if (journal.ResultOf(step) is { Outcome: StepOutcome.Applied } applied)
                results.Add((step, Try(step, applied)));
        }

        host.FlushAll();
        return results;
    }

    // The apply may have closed folders to their owner; their own step comes after what is in them.
    private void OpenFolders()
    {
        foreach (var step in journal.Plan.Steps)
        {
            if (step.Action != StepAction.Folder || journal.ResultOf(step) is not { Outcome: StepOutcome.Applied })
                continue;
            using var folder = host.TryOpenFolder(step.Path, out _);
            folder?.SetMode((folder.Status().RawMode & 0xfff) | 0x1c0);
        }
    }

    private StepResult Try(ApplyStep step, StepResult applied)
    {
        try
        {
            using var parent = host.OpenFolder(step.Path.Parent!);
            // What was made in a folder that is gone is gone too.
            if (parent is null && step.Expected is null)
                return Done(step);
            return parent is null ? Conflict(step, "its folder is gone, or something else is in its place")
                : step.Action == StepAction.Folder ? TakeBackFolder(step, parent)
                : TakeBack(step, parent, applied.Made);
        }
        catch (Exception e) when (e is SystemCallException or IOException or UnauthorizedAccessException or WorkspaceException)
        {
            return new(step.Number, StepOutcome.Failed, null, e.Message);
        }
    }

    private StepResult TakeBack(ApplyStep step, Folder parent, FileIdentity? made)
    {
        if (FinishPuttingBack(step, parent))
            return Done(step);
        var kept = journal.Old.Status(ApplyJournal.OldName(step));
        var now = parent.Status(step.Path.Name);
        // Put back already, or there was nothing and is nothing.
        if (kept is null && (step.Expected is not null || now is null))
            return Done(step);
        if (now is { } present && !force && made?.Matches(present) != true)
            return Conflict(step, $"it changed on the host at {present.Changed.Display()}, after it was applied");
        if (kept is null || (kept.Value.Type == FileType.Folder && now is not null))
            RemoveMade(step, parent, now!.Value);
        checkpoint?.Invoke("removed");
        if (kept is not null)
            PutBack(step, parent, isOverwriting: now is not null && kept.Value.Type != FileType.Folder);
        return Done(step);
    }

    private StepResult TakeBackFolder(ApplyStep step, Folder parent)
    {
        var now = parent.Status(step.Path.Name);
        if (step.Expected is { Type: FileType.Folder } before)
        {
            using var folder = host.OpenFolder(step.Path);
            folder?.SetMode(before.Mode);
            return Done(step);
        }

        if (FinishPuttingBack(step, parent))
            return Done(step);
        var kept = journal.Old.Status(ApplyJournal.OldName(step)) is not null;
        if (now is { Type: FileType.Folder })
        {
            // Files of others may have come into it: then it stays.
            if (parent.TryRemoveFolder(step.Path.Name) is not (0 or ENOENT) and var error)
                return Conflict(step, error == ENOTEMPTY ? "there is more in it than was applied" : new SystemCallException("remove it", error).Message);
            now = null;
        }

        if (!kept)
            return Done(step);
        if (now is not null)
            return Conflict(step, "something else is in its place");
        PutBack(step, parent, isOverwriting: false);
        return Done(step);
    }

    private static void RemoveMade(ApplyStep step, Folder parent, FileStatus now)
    {
        if (now.Type == FileType.Folder)
            throw new WorkspaceException("a folder is in its place: move it away");
        parent.TryUnlink(step.Path.Name);
    }

    private void PutBack(ApplyStep step, Folder parent, bool isOverwriting)
    {
        var old = ApplyJournal.OldName(step);
        var error = isOverwriting ? journal.Old.TryReplace(old, parent, step.Path.Name) : journal.Old.TryMove(old, parent, step.Path.Name);
        if (error is EXDEV or EACCES)
        {
            var copy = Copy(step);
            FileTree.Remove(parent, copy);
            FileTree.Copy(journal.Old, old, parent, copy);
            checkpoint?.Invoke("copied");
            // The new name says that the copy is whole.
            error = journal.Old.TryMove(old, journal.Old, Copied(step));
            checkpoint?.Invoke("copy noted");
            if (error == 0)
                FinishPuttingBack(step, parent);
        }
        else if (error == 0)
        {
            Note(step, parent);
        }

        if (error != 0)
            throw new SystemCallException($"put {step.Path} back", error);
    }

    /// <returns>Whether a copy was whole, and is in its place now.</returns>
    private bool FinishPuttingBack(ApplyStep step, Folder parent)
    {
        if (journal.Old.Status(Copied(step)) is not { } kept)
            return false;
        // It may be in its place, and only that not be said.
        if (parent.Status(Copy(step)) is not null)
        {
            var error = kept.Type == FileType.Folder ? parent.TryMove(Copy(step), parent, step.Path.Name) : parent.TryReplace(Copy(step), parent, step.Path.Name);
            if (error != 0)
                throw new SystemCallException($"put {step.Path} back", error);
        }

        checkpoint?.Invoke("put back");
        Note(step, parent);
        FileTree.Remove(journal.Old, Copied(step));
        return true;
    }

    private void Note(ApplyStep step, Folder parent)
    {
        if (parent.Status(step.Path.Name) is { } restored)
            RestoredFiles.Add(session, step.Path, restored);
    }

    private FileName Copy(ApplyStep step) => FileName.Of($".gatehouse-{journal.Plan.Token}-{step.Number}");

    private static FileName Copied(ApplyStep step) => FileName.Of($"{step.Number}.copied");

    private static StepResult Done(ApplyStep step) => new(step.Number, StepOutcome.Applied, null, null);

    private static StepResult Conflict(ApplyStep step, string why) => new(step.Number, StepOutcome.Conflict, null, why);
}
