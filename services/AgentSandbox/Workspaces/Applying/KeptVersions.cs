using Gatehouse.AgentSandbox.Native;
using Gatehouse.AgentSandbox.Workspaces.Files;

namespace Gatehouse.AgentSandbox.Workspaces.Applying;

/// <summary>
/// The versions that an apply replaces. On one file system they are kept by a name in the journal, at no cost; across two by a copy, which gets its name
/// only when it is whole.
/// </summary>
internal sealed class KeptVersions(ApplyJournal journal, Action<string>? checkpoint)
{
    public bool Has(ApplyStep step) => journal.Old.Status(ApplyJournal.OldName(step)) is not null;

    /// <summary>Keeps a file or link that stays in place for now.</summary>
    public void Keep(ApplyStep step, Folder parent)
    {
        if (Has(step))
            return;
        if (parent.TryLink(step.Path.Name, journal.Old, ApplyJournal.OldName(step)) != 0)
            CopyHere(step, parent, step.Path.Name);
    }

    /// <summary>Takes away what is there, be it a folder.</summary>
    public void MoveAway(ApplyStep step, Folder parent)
    {
        if (Has(step))
            throw new WorkspaceException("an old version of it is kept already, and it is there again: move it away, and apply again");
        if (parent.TryMove(step.Path.Name, journal.Old, ApplyJournal.OldName(step)) == 0)
            return;
        // Another file system, or a folder that its mode keeps from moving: it leaves its name at once, the copy takes time.
        var aside = Aside(step);
        if (parent.TryMove(step.Path.Name, parent, aside) is not 0 and var error)
            throw new SystemCallException($"move {step.Path} away", error);
        checkpoint?.Invoke("aside");
        Finish(step, parent);
    }

    /// <summary>Goes on with a <see cref="MoveAway"/> that was cut off.</summary>
    public void Finish(ApplyStep step, Folder parent)
    {
        var aside = Aside(step);
        if (parent.Status(aside) is null)
            return;
        if (!Has(step))
            CopyHere(step, parent, aside);
        checkpoint?.Invoke("copied");
        FileTree.Remove(parent, aside);
    }

    private void CopyHere(ApplyStep step, Folder parent, FileName name)
    {
        var part = FileName.Of($"{step.Number}.part");
        FileTree.Remove(journal.Old, part);
        FileTree.Copy(parent, name, journal.Old, part);
        if (journal.Old.Status(part) is null)
            return;
        if (journal.Old.TryMove(part, journal.Old, ApplyJournal.OldName(step)) is not 0 and var error)
            throw new SystemCallException($"keep the old version of {step.Path}", error);
    }

    private FileName Aside(ApplyStep step) => FileName.Of($".gatehouse-{journal.Plan.Token}-{step.Number}-old");
}
