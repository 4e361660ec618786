using Gatehouse.AgentSandbox.Native;
using Gatehouse.AgentSandbox.Workspaces.Files;
using static Gatehouse.AgentSandbox.Workspaces.Files.FileCalls;

namespace Gatehouse.AgentSandbox.Workspaces.Applying;

/// <summary>
/// Carries out a journal on the host. Each step can be done again from any point at which it was cut off: a new version is written beside the old one,
/// the old one is kept in the journal, then the name changes over at once. The agent is gone, but what it left is not trusted, and the host's folder
/// belongs to a person who works in it.
/// </summary>
/// <param name="upper">The session's layer.</param>
/// <param name="host">The workspace.</param>
/// <param name="journal">What to do.</param>
/// <param name="checkpoint">Called between the parts of each step; tests end the process there.</param>
internal sealed class Application(Folder upper, Folder host, ApplyJournal journal, Action<string>? checkpoint = null)
{
    /// <summary>Up to so many files each is waited for; beyond, the file system is told once to write everything.</summary>
    private const int MaxFlushes = 128;

    private readonly KeptVersions _kept = new(journal, checkpoint);
    private readonly bool _flushEach = journal.Plan.Steps.Count(step => step.Action == StepAction.File) <= MaxFlushes;

    /// <summary>Does what is not done yet.</summary>
    public void Run()
    {
        foreach (var step in journal.Plan.Steps)
        {
            if (journal.ResultOf(step) is not { Outcome: StepOutcome.Applied })
                journal.Record(Try(step));
            checkpoint?.Invoke("recorded");
        }

        SetFolderModes();
        if (!journal.Plan.Steps.IsEmpty)
            host.FlushAll();
    }

    private StepResult Try(ApplyStep step)
    {
        try
        {
            using var parent = host.OpenFolder(step.Path.Parent!);
            if (parent is null)
                return new(step.Number, StepOutcome.Conflict, null, "its folder is gone, or something else is in its place");
            return step.Action switch
            {
                StepAction.Delete => Delete(step, parent),
                StepAction.Folder => MakeFolder(step, parent),
                _ => Put(step, parent),
            };
        }
        catch (Exception e) when (e is SystemCallException or IOException or UnauthorizedAccessException or WorkspaceException)
        {
            return new(step.Number, StepOutcome.Failed, null, e.Message);
        }
    }

    private StepResult Delete(ApplyStep step, Folder parent)
    {
        _kept.Finish(step, parent);
        if (parent.Status(step.Path.Name) is { } now)
        {
            if (!MayReplace(step, now))
                return Conflict(step, now);
            _kept.MoveAway(step, parent);
        }

        return Applied(step, null);
    }

    private StepResult MakeFolder(ApplyStep step, Folder parent)
    {
        _kept.Finish(step, parent);
        var now = parent.Status(step.Path.Name);
        if (now is { Type: not FileType.Folder } other)
        {
            if (!MayReplace(step, other))
                return Conflict(step, other);
            _kept.MoveAway(step, parent);
            checkpoint?.Invoke("moved away");
        }

        if (parent.TryMakeFolder(step.Path.Name, 0x1c0))
            OwnLike(parent, step.Path.Name, parent.Status());
        return Applied(step, parent.Status(step.Path.Name));
    }

    private StepResult Put(ApplyStep step, Folder parent)
    {
        _kept.Finish(step, parent);
        var now = parent.Status(step.Path.Name);
        if (now is { } present)
        {
            if (_kept.Has(step) && IsAsWanted(step, parent, present))
                return Applied(step, present);
            if (!MayReplace(step, present))
                return IsAsWanted(step, parent, present) ? Applied(step, present) : Conflict(step, present);
        }
        else if (step.Expected is not null && !_kept.Has(step) && !journal.Plan.Force)
        {
            return new(step.Number, StepOutcome.Conflict, null, "it was deleted on the host");
        }

        var temporary = FileName.Of($".gatehouse-{journal.Plan.Token}-{step.Number}");
        parent.TryUnlink(temporary);
        try
        {
            Write(step, parent, temporary, now);
            checkpoint?.Invoke("staged");
            if (now is { Type: FileType.Folder })
                _kept.MoveAway(step, parent);
            else if (now is not null)
                _kept.Keep(step, parent);
            checkpoint?.Invoke("kept");
            parent.Replace(temporary, step.Path.Name);
            checkpoint?.Invoke("replaced");
        }
        catch (Exception e) when (e is SystemCallException or IOException or WorkspaceException)
        {
            parent.TryUnlink(temporary);
            throw;
        }

        return Applied(step, parent.Status(step.Path.Name));
    }

    private void Write(ApplyStep step, Folder parent, FileName temporary, FileStatus? previous)
    {
        using var source = upper.OpenFolder(step.Path.Parent!) ?? throw new WorkspaceException("it is no longer in the session's layer");
        var owner = previous ?? parent.Status();
        if (step.Action == StepAction.Link)
        {
            parent.MakeLink(temporary, source.ReadLink(step.Path.Name) ?? throw new WorkspaceException("it is no longer a link in the session's layer"));
            OwnLike(parent, temporary, owner);
            return;
        }

        using var content = source.OpenFile(step.Path.Name, lend: true) ?? throw new WorkspaceException("it is no longer a file in the session's layer");
        using var file = parent.CreateFile(temporary);
        // Content and mode alone: attributes (capabilities, labels, ACLs), times and second names stay behind.
        FileContent.Copy(content, file);
        OwnLike(parent, temporary, owner);
        FileContent.SetMode(file, step.Mode);
        if (_flushEach)
            FileContent.Flush(file);
    }

    // The step was cut off after the name changed over, before that was written down.
    private bool IsAsWanted(ApplyStep step, Folder parent, FileStatus now)
    {
        using var source = upper.OpenFolder(step.Path.Parent!);
        if (source is null)
            return false;
        if (step.Action == StepAction.Link)
            return now.Type == FileType.Link && parent.ReadLink(step.Path.Name).AsSpan().SequenceEqual(source.ReadLink(step.Path.Name));
        if (now.Type != FileType.File || now.Permissions != step.Mode)
            return false;
        using var wanted = source.OpenFile(step.Path.Name, lend: true);
        using var present = parent.OpenFile(step.Path.Name);
        return wanted is not null && present is not null && FileContent.AreEqual(wanted, present);
    }

    private bool MayReplace(ApplyStep step, FileStatus now) => journal.Plan.Force || step.Expected?.Matches(now) == true;

    // Last, and from below: a folder may be closed to its owner. Its special bits are the host's own.
    private void SetFolderModes()
    {
        foreach (var step in journal.Plan.Steps.Reverse())
        {
            if (step.Action != StepAction.Folder || journal.ResultOf(step) is not { Outcome: StepOutcome.Applied })
                continue;
            try
            {
                using var folder = host.OpenFolder(step.Path);
                folder?.SetMode(step.Mode | folder.Status().SpecialBits);
            }
            catch (SystemCallException e)
            {
                journal.Record(new(step.Number, StepOutcome.Failed, null, e.Message));
            }
        }
    }

    // New files belong to whom the folder belongs to, changed ones to whom they did; only root can see to it.
    private static void OwnLike(Folder folder, FileName name, FileStatus like)
    {
        if (geteuid() == 0)
            folder.SetOwner(name, like.Uid, like.Gid);
    }

    private static StepResult Applied(ApplyStep step, FileStatus? made) =>
        new(step.Number, StepOutcome.Applied, made is { } status ? FileIdentity.Of(status) : null, null);

    private static StepResult Conflict(ApplyStep step, FileStatus now) =>
        new(step.Number, StepOutcome.Conflict, null, step.Expected is null ? "it was made on the host meanwhile" : $"it changed on the host at {now.Changed.Display()}");
}
