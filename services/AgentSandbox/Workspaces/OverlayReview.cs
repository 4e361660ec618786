using System.Collections.Immutable;
using System.Security.Cryptography;
using Gatehouse.AgentSandbox.Native;
using Gatehouse.AgentSandbox.Workspaces.Applying;
using Gatehouse.AgentSandbox.Workspaces.Changes;
using Gatehouse.AgentSandbox.Workspaces.Files;
using Gatehouse.AgentSandbox.Workspaces.Sessions;
using Gatehouse.Policy.Filesystem;

namespace Gatehouse.AgentSandbox.Workspaces;

/// <summary>One overlay workspace of one session, under review: what changed, applying it, taking that back, throwing it away.</summary>
internal sealed class OverlayReview : IDisposable
{
    private static readonly FileName s_applying = FileName.Of("apply"), s_undo = FileName.Of("undo"), s_undoing = FileName.Of("undoing");

    private readonly SessionRecord _session;
    private readonly WorkspaceRecord _workspace;
    private readonly Folder _own, _upper, _host;

    private OverlayReview(SessionRecord session, WorkspaceRecord workspace, Folder own, Folder upper, Folder host)
    {
        _session = session;
        _workspace = workspace;
        _own = own;
        _upper = upper;
        _host = host;
    }

    /// <summary>Tests end the process here.</summary>
    internal Action<string>? Checkpoint { get; set; }

    /// <exception cref="WorkspaceException">The layer or the host's folder is not there any more.</exception>
    public static OverlayReview Open(SessionRecord session, WorkspaceRecord workspace)
    {
        if (workspace.Mode != WorkspaceMode.Overlay)
            throw new ArgumentException("not an overlay", nameof(workspace));
        var own = OpenOrExplain(workspace.Folder, "the session's own folder");
        var upper = own.OpenFolder(FileName.Of(OverlayWorkspace.Upper))
            ?? throw new WorkspaceException(session.State == SessionState.Discarded ? $"session {session.Id} was discarded" : $"{workspace.Folder} has no layer any more");
        var host = OpenOrExplain(workspace.Host, "the workspace");
        if (host.Status().Inode != workspace.HostInode)
            throw new WorkspaceException($"{workspace.Host} is another folder than the one that session {session.Id} worked on: move that one back");
        return new(session, workspace, own, upper, host);
    }

    /// <summary>Ordered by path. Works while the session runs.</summary>
    public ImmutableArray<Change> Changes(CancellationToken cancelled = default) => ChangeScanner.Scan(_upper, _host, _session.HideRules(), cancelled);

    /// <summary>Old and new bytes of a change, for a diff; null for none, or for more than <paramref name="limit"/>.</summary>
    public (byte[]? Old, byte[]? New) Contents(Change change, int limit)
    {
        try
        {
            return (
                FileContent.Of(_host, change.Path, change.IsHidden ? null : change.OldType, limit, lend: false),
                FileContent.Of(_upper, change.Path, change.Kind == ChangeKind.Deleted ? null : change.Type, limit, lend: true));
        }
        catch (SystemCallException e) when (e.Error is FileCalls.EACCES or FileCalls.EPERM)
        {
            return (null, null);
        }
    }

    /// <summary>What applying would do, with what is held back and what stands against it.</summary>
    public ApplyPlan Plan(ImmutableArray<Change> changes, ImmutableArray<RelativePath> named)
    {
        var protection = new Protection(_upper, _host, _workspace.Host, _session.Policy, _session.HideRules());
        return new ApplyPlanner(_host, protection, _workspace.Since, RestoredFiles.Load(_own)).Plan(changes, named);
    }

    /// <summary>Finishes what was interrupted, if anything was.</summary>
    /// <returns>What came of it; empty when nothing was interrupted.</returns>
    public ImmutableArray<AppliedStep> Finish()
    {
        if (_own.OpenFolder(s_undoing) is { } undoing)
        {
            undoing.Dispose();
            throw new WorkspaceException($"an undo of session {_session.Id} was interrupted: 'gatehouse undo {_session.Id}' finishes it");
        }

        using var journal = ApplyJournal.Open(_own, s_applying);
        if (journal is not null)
            return Carry(journal);
        FileTree.Remove(_own, s_applying);
        return [];
    }

    /// <summary>Applies a plan.</summary>
    /// <param name="plan">From <see cref="Plan"/>, shown to the person.</param>
    /// <param name="force">Goes on although the host's files changed meanwhile; their versions are kept for undo.</param>
    /// <exception cref="WorkspaceException">There are conflicts, and <paramref name="force"/> is false: nothing was touched.</exception>
    public ImmutableArray<AppliedStep> Apply(ApplyPlan plan, bool force)
    {
        if (!force && !plan.Conflicts.IsEmpty)
            throw new WorkspaceException(
                $"{plan.Conflicts.Length} paths changed on the host since session {_session.Id} began ({string.Join(", ", plan.Conflicts.Take(3).Select(each => each.Path))}): nothing was applied; --force puts the session's versions in their place");
        if (plan.Steps.IsEmpty)
            return [];
        var token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6));
        Checkpoint?.Invoke("planned");
        using var journal = ApplyJournal.Create(_own, s_applying, new(token, force, [.. plan.Steps.Select(each => each.Step)]));
        Checkpoint?.Invoke("journal written");
        return Carry(journal);
    }

    /// <summary>Takes the last apply back.</summary>
    /// <param name="force">Also where the host's files changed since.</param>
    /// <returns>What came of each step; what could not be taken back can be tried again.</returns>
    public ImmutableArray<AppliedStep> Undo(bool force)
    {
        using var unfinished = ApplyJournal.Open(_own, s_applying);
        if (unfinished is not null)
            throw new WorkspaceException($"an apply of session {_session.Id} was interrupted: run it again first, then undo");
        if (_own.Status(s_undoing) is null && _own.TryMove(s_undo, _own, s_undoing) != 0)
            return [];
        Checkpoint?.Invoke("undo begun");
        ImmutableArray<AppliedStep> results = [];
        // Without a plan it is one that was being removed, all of it put back.
        using (var journal = ApplyJournal.Open(_own, s_undoing))
        {
            if (journal is not null)
                results = [.. new Undoing(_host, journal, _own, force, Checkpoint).Run().Select(each => new AppliedStep(each.Step.Path, each.Step.Action, each.Result.Outcome, each.Result.Message))];
        }

        if (results.All(each => each.Outcome == StepOutcome.Applied))
            FileTree.Remove(_own, s_undoing);
        else
            _own.TryMove(s_undoing, _own, s_undo);
        return results;
    }

    /// <summary>Removes the layers, and with them every change. The host's folder is not touched. Also when the host's folder is gone.</summary>
    public static void Discard(WorkspaceRecord workspace)
    {
        using var own = Folder.OpenIfPresent(workspace.Folder);
        if (own is null)
            return;
        foreach (var entry in own.List(ChangeScanner.MaxEntries))
            FileTree.Remove(own, entry.Name);
    }

    public void Dispose()
    {
        _own.Dispose();
        _upper.Dispose();
        _host.Dispose();
    }

    private ImmutableArray<AppliedStep> Carry(ApplyJournal journal)
    {
        new Application(_upper, _host, journal, Checkpoint).Run();
        ImmutableArray<AppliedStep> results = [.. journal.Plan.Steps.Select(step => (Step: step, Result: journal.ResultOf(step)!))
            .Select(each => new AppliedStep(each.Step.Path, each.Step.Action, each.Result.Outcome, each.Result.Message))];
        // The journal becomes what undo goes by; only the last apply can be taken back.
        Checkpoint?.Invoke("carried out");
        FileTree.Remove(_own, s_undo);
        Checkpoint?.Invoke("last undo removed");
        if (_own.TryMove(s_applying, _own, s_undo) is not 0 and var error)
            throw new SystemCallException("keep the journal for undo", error);
        _own.Flush();
        return results;
    }

    private static Folder OpenOrExplain(string path, string what)
    {
        try
        {
            return Folder.Open(path);
        }
        catch (SystemCallException e)
        {
            throw new WorkspaceException($"{what} can not be opened: {e.Message}", e);
        }
    }
}

/// <param name="Path">Below the workspace.</param>
/// <param name="Action">What was to be done.</param>
/// <param name="Outcome">Whether it was.</param>
/// <param name="Message">Why not.</param>
internal sealed record AppliedStep(RelativePath Path, StepAction Action, StepOutcome Outcome, string? Message);
