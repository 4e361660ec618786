using System.Collections.Immutable;
using Gatehouse.AgentSandbox.Workspaces.Changes;
using Gatehouse.AgentSandbox.Workspaces.Files;

namespace Gatehouse.AgentSandbox.Workspaces.Applying;

/// <summary>From changes to what to do about them; changes nothing.</summary>
/// <param name="host">The workspace.</param>
/// <param name="protection">What is held back.</param>
/// <param name="since">When the session began.</param>
/// <param name="restored">Versions that an undo put back, and so changed on the host itself.</param>
internal sealed class ApplyPlanner(Folder host, Protection protection, FileTime since, RestoredFiles restored)
{
    /// <param name="changes">Ordered by path.</param>
    /// <param name="named">Paths to apply, with all below them; empty for everything.</param>
    /// <exception cref="WorkspaceException">Nothing changed at a named path.</exception>
    public ApplyPlan Plan(ImmutableArray<Change> changes, ImmutableArray<RelativePath> named)
    {
        foreach (var name in named)
        {
            if (!changes.Any(change => change.Path.IsWithin(name)))
                throw new WorkspaceException($"the session changed nothing at {name}: see 'gatehouse changes'");
        }

        var steps = ImmutableArray.CreateBuilder<PlannedChange>();
        var held = ImmutableArray.CreateBuilder<HeldChange>();
        var conflicts = ImmutableArray.CreateBuilder<Conflict>();
        var blocked = new HashSet<RelativePath>();
        foreach (var change in Select(changes, named))
        {
            var hold = protection.Hold(change);
            if (hold is not null && named.Any(name => protection.Lifts(name, hold)))
                hold = null;
            hold ??= change.Path.Ancestors().FirstOrDefault(blocked.Contains) is { } folder ? new(change, HoldReason.NeedsFolder, folder) : null;
            if (hold is not null)
            {
                held.Add(hold);
                if (change.Type == FileType.Folder && change.Kind is ChangeKind.Added or ChangeKind.TypeChanged)
                    blocked.Add(change.Path);
                continue;
            }

            using var parent = host.OpenFolder(change.Path.Parent!);
            var now = parent?.Status(change.Path.Name);
            steps.Add(new(change, Step(steps.Count, change, now)));
            conflicts.AddRange(Conflicts(change, now));
        }

        return new(steps.ToImmutable(), held.ToImmutable(), conflicts.ToImmutable());
    }

    // What is named, what is below it, and the new folders that it needs.
    private static IEnumerable<Change> Select(ImmutableArray<Change> changes, ImmutableArray<RelativePath> named)
    {
        if (named.IsEmpty)
            return changes;
        var folders = changes.Where(change => change.Type == FileType.Folder && change.Kind is ChangeKind.Added or ChangeKind.TypeChanged).ToDictionary(change => change.Path);
        var needed = new HashSet<RelativePath>();
        foreach (var change in changes.Where(change => named.Any(name => change.Path.IsWithin(name))))
        {
            needed.Add(change.Path);
            needed.UnionWith(change.Path.Ancestors().Where(folders.ContainsKey));
        }

        return changes.Where(change => needed.Contains(change.Path));
    }

    private static ApplyStep Step(int number, Change change, FileStatus? now) => new(
        number,
        change.Path,
        change.Kind == ChangeKind.Deleted ? StepAction.Delete
            : change.Type == FileType.Folder ? StepAction.Folder
            : change.Type == FileType.Link ? StepAction.Link : StepAction.File,
        change.Kind == ChangeKind.Deleted || change.Type == FileType.Link ? 0 : change.Mode,
        now is { } status ? FileIdentity.Of(status) : null);

    private IEnumerable<Conflict> Conflicts(Change change, FileStatus? now)
    {
        if (now is not { } status)
            yield break;
        // To the agent there was nothing of that name, but there is.
        if (change.Kind == ChangeKind.Added && !(status.Type == FileType.Folder && change.Type == FileType.Folder))
            yield return new(change.Path, status.Changed);
        else if (status.Type != FileType.Folder && IsNewer(change.Path, status))
            yield return new(change.Path, status.Changed);
        if (status.Type != FileType.Folder || change.Kind is not (ChangeKind.Deleted or ChangeKind.TypeChanged))
            yield break;
        foreach (var (path, below) in HostTree.Below(host, change.Path))
        {
            // A folder's time is that of its entries, and those are looked at themselves.
            if (below.Type == FileType.Folder || !IsNewer(path, below))
                continue;
            yield return new(path, below.Changed);
            yield break;
        }
    }

    private bool IsNewer(RelativePath path, FileStatus status) => status.Changed > since && !restored.Holds(path, status);
}
