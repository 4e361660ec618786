using Gatehouse.AgentSandbox.Workspaces.Hiding;
using Gatehouse.AgentSandbox.Workspaces.Sessions;
using Gatehouse.AgentSandbox.Workspaces.Worktrees;

namespace Gatehouse.AgentSandbox.Tests.Workspaces;

/// <summary>A host's repository, and a session on a worktree of it. A program of the host that ran although it must not leaves a canary.</summary>
internal sealed class WorktreeSession : IDisposable
{
    private const string Id = "20260101-000000-tree";

    private readonly OverlaySession _session = new();

    public WorktreeSession(string? prepare = null)
    {
        // The host's own hooks, filters and monitors; and what an agent could hope to make them do.
        _session.WithHost($"""
            export HOME=/nonexistent GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
            git init -q -b main .
            git config user.name Human; git config user.email human@example.com
            {prepare ?? "mkdir -p src; echo one > src/a.txt; echo two > b.sh; chmod 755 b.sh; ln -s b.sh link; echo secret > .env; echo '*.log' > .gitignore"}
            git add -A; git commit -qm start
            cat > .git/canary.sh <<'END'
            #!/bin/sh
            echo "$0 $*" >> {Canary}
            cat
            END
            chmod 755 .git/canary.sh
            for hook in pre-commit post-commit post-checkout reference-transaction commit-msg prepare-commit-msg post-index-change pre-auto-gc; do cp .git/canary.sh .git/hooks/$hook; done
            git config filter.evil.clean "{_session.Host}/.git/canary.sh clean"; git config filter.evil.smudge "{_session.Host}/.git/canary.sh smudge"; git config filter.evil.required true
            git config diff.evil.textconv "{_session.Host}/.git/canary.sh textconv"; git config diff.external "{_session.Host}/.git/canary.sh ext"
            git config core.fsmonitor "{_session.Host}/.git/canary.sh"; git config core.pager "{_session.Host}/.git/canary.sh"; git config commit.gpgSign true; git config gpg.program "{_session.Host}/.git/canary.sh"
            """);
        _session.Shell(_session.Host, $"rm -f {Canary}");
    }

    public string Canary => _session.Outside + "-canary";

    public string Host => _session.Host;

    public string Tree => Path.Combine(Workspace.Folder, WorktreeWorkspace.Tree);

    public SessionRecord Record { get; private set; } = null!;

    public WorkspaceRecord Workspace => Record.Workspaces[0];

    public WorktreeSession Begin(string below = "", params string[] hide) => Guarded(() =>
    {
        var folder = _session.Store.WorkspaceFolder(Id, 0);
        Record = new()
        {
            Id = Id,
            State = SessionState.Running,
            Started = TimeProvider.System.GetUtcNow(),
            Command = ["agent", "\u001b[31m"],
            WorkingDirectory = Host,
            Hide = [.. hide],
            Workspaces = [WorktreeWorkspace.Create(folder, Id, Path.Combine(Host, below).TrimEnd('/'), "/workspace", HideRules.Parse(hide))],
        };
    });

    public WorktreeSession Agent(string script) => Guarded(() => _session.Shell(Tree, "export HOME=/nonexistent; " + script));

    public WorktreeSession Finish() => Guarded(() =>
        Record = Record with { Workspaces = [WorktreeWorkspace.Finish(Workspace, Record.HideRules())] });

    public string Changes() => string.Join('\n', WorktreeWorkspace.Changes(Workspace, Record.HideRules()).Select(OverlaySession.Line));

    /// <summary>The host's git as a person would use it, but for what its configuration runs.</summary>
    public string Git(string arguments) =>
        _session.Shell(Host, $"HOME=/nonexistent git -c safe.directory='*' -c core.hooksPath=/dev/null -c core.fsmonitor=false --no-pager {arguments}");

    public string Shell(string script) => _session.Shell(Host, script);

    public void Dispose() => _session.Dispose();

    private WorktreeSession Guarded(Action act)
    {
        try
        {
            act();
            return this;
        }
        catch
        {
            Dispose();
            throw;
        }
    }
}
