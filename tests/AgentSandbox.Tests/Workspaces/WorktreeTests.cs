using Gatehouse.AgentSandbox.Workspaces;
using Gatehouse.AgentSandbox.Workspaces.Files;
using Gatehouse.AgentSandbox.Workspaces.Worktrees;

namespace Gatehouse.AgentSandbox.Tests.Workspaces;

public sealed class WorktreeTests
{
    [Fact]
    public void Create_GivesTheCommitsFilesAndNoWayToTheRepository()
    {
        using var session = new WorktreeSession().Begin();
        session.Agent("test \"$(cat src/a.txt)\" = one; test -x b.sh; test \"$(readlink link)\" = b.sh; test ! -e .git; ! git -c safe.directory='*' rev-parse 2>/dev/null");

        Assert.Equal(session.Git("rev-parse main"), session.Git("rev-parse agent/20260101-000000-tree"));
        Assert.Equal("", session.Changes());
        Assert.False(File.Exists(session.Canary));
    }

    [Fact]
    public void Finish_WhatTheAgentLeft_IsOneCommitOnItsBranch()
    {
        using var session = new WorktreeSession().Begin()
            .Agent("""echo changed > src/a.txt; rm b.sh; mkdir new; printf 'a\r\nb' > new/crlf; echo x > $'n\nl'; echo x > $'\xff'; ln -sfn src link; echo run > new/run; chmod 755 new/run; echo log > debug.log; mkfifo pipe; mkdir empty""");
        Assert.Equal("D b.sh\nM link\nA n\\nl\nA new/crlf\nA new/run\nM src/a.txt\nA \\xff", session.Changes());
        session.Finish();

        Assert.Equal(session.Workspace.Worktree!.Commit, session.Git("rev-parse agent/20260101-000000-tree").Trim());
        Assert.Equal("1\n", session.Git("rev-list --count main..agent/20260101-000000-tree"));
        Assert.Equal("D\tb.sh\nM\tlink\nA\t\"n\\nl\"\nA\tnew/crlf\nA\tnew/run\nM\tsrc/a.txt\nA\t\"\\377\"\n", session.Git("diff --no-ext-diff --no-renames --name-status main agent/20260101-000000-tree"));
        Assert.Equal("a\r\nb", session.Git("cat-file blob agent/20260101-000000-tree:new/crlf"));
        Assert.StartsWith("100755", session.Git("ls-tree agent/20260101-000000-tree new/run"), StringComparison.Ordinal);
        Assert.StartsWith("120000", session.Git("ls-tree agent/20260101-000000-tree link"), StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', session.Git("log -1 --format=%B agent/20260101-000000-tree"));
        // What the person has checked out is as it was.
        Assert.Equal("main\n", session.Git("branch --show-current"));
        Assert.Equal("", session.Git("diff --no-ext-diff --stat main"));
        Assert.Equal("", session.Git("fsck --strict --no-dangling 2>&1 | grep -v ^Checking || true"));
        Assert.False(File.Exists(session.Canary), "a hook or filter of the host ran");
    }

    [Fact]
    public void Finish_HostileAttributes_RunNoFilter()
    {
        using var session = new WorktreeSession().Begin()
            .Agent("echo '* filter=evil diff=evil text eol=crlf ident' > .gitattributes; echo '$Id$' > src/a.txt; mkdir sub; echo '* filter=evil' > sub/.gitattributes; echo x > sub/f").Finish();

        Assert.False(File.Exists(session.Canary), "a filter of the host ran");
        Assert.Equal("$Id$\n", session.Git("cat-file blob agent/20260101-000000-tree:src/a.txt"));
    }

    [Fact]
    public void Create_RepositorysOwnAttributes_RunNoFilter()
    {
        using var session = new WorktreeSession("echo x > f; echo 'f filter=evil' > .gitattributes").Begin().Finish();

        Assert.False(File.Exists(session.Canary), "a filter of the host ran");
    }

    [Theory]
    [InlineData("git init -q -b main .; git config core.fsmonitor \"touch CANARY; false\"; git config core.hooksPath \"$PWD/h\"; mkdir h; printf '#!/bin/sh\\ntouch CANARY\\n' > h/post-index-change; chmod 755 h/*")]
    [InlineData("mkdir evil; git init -q --bare evil; printf '[core]\\nfsmonitor = touch CANARY; false\\n' >> evil/config; echo 'gitdir: evil' > .git")]
    [InlineData("ln -s /etc .git")]
    [InlineData("mkdir nested; cd nested; git init -q .; git config core.fsmonitor 'touch CANARY; false'; echo x > inside")]
    public void Finish_GitOfTheAgentsOwn_IsNotUsedNorRecorded(string script)
    {
        using var session = new WorktreeSession().Begin();
        session.Agent(script.Replace("CANARY", session.Canary, StringComparison.Ordinal)).Agent("echo 2 > src/a.txt");
        session.Finish();

        Assert.False(File.Exists(session.Canary), "the agent's git ran something");
        Assert.NotNull(session.Workspace.Worktree!.Commit);
        Assert.DoesNotContain(".git/", session.Git("ls-tree -r --name-only agent/20260101-000000-tree"), StringComparison.Ordinal);
        Assert.DoesNotContain("160000", session.Git("ls-tree -r agent/20260101-000000-tree"), StringComparison.Ordinal);
    }

    [Fact]
    public void Finish_NothingChanged_RemovesTheBranch()
    {
        using var session = new WorktreeSession().Begin().Agent("touch src/a.txt").Finish();

        Assert.Null(session.Workspace.Worktree!.Commit);
        Assert.Equal("", session.Git("branch --list 'agent/*'"));
        Assert.Contains("no change", WorktreeWorkspace.HowToApply(session.Workspace), StringComparison.Ordinal);
    }

    [Fact]
    public void Hide_TrackedFiles_AreNeitherThereNorDeleted()
    {
        using var session = new WorktreeSession().Begin("", "**/.env").Agent("test ! -e .env; echo mine > .env; echo 2 > src/a.txt").Finish();

        Assert.Equal(1, session.Workspace.Hidden);
        Assert.Equal("secret\n", session.Git("cat-file blob agent/20260101-000000-tree:.env"));
    }

    [Fact]
    public void Create_FolderInARepository_IsThatFolderAlone()
    {
        using var session = new WorktreeSession().Begin("src").Agent("test -e a.txt; test ! -e b.sh; echo 2 > a.txt; echo n > n.txt").Finish();

        Assert.Equal("A\tsrc/n.txt\nM\tsrc/a.txt\n", string.Join('\n', session.Git("diff --no-ext-diff --name-status main agent/20260101-000000-tree").Split('\n', StringSplitOptions.RemoveEmptyEntries).Order()) + '\n');
    }

    [Fact]
    public void Finish_LinkInPlaceOfAFolder_IsNotFollowed()
    {
        using var session = new WorktreeSession().Begin().Agent("rm -r src; ln -s /etc src").Finish();

        Assert.Equal("D\tsrc/a.txt\nA\tsrc\n", string.Join('\n', session.Git("diff --no-ext-diff --no-renames --name-status main agent/20260101-000000-tree").Split('\n', StringSplitOptions.RemoveEmptyEntries).OrderDescending()) + '\n');
    }

    [Fact]
    public void Finish_IgnoredFolders_AreNotLookedInto()
    {
        using var session = new WorktreeSession("printf 'node_modules/\\n*.log\\n!keep.log\\n' > .gitignore; echo x > tracked.log; git add -f tracked.log").Begin()
            .Agent("mkdir -p node_modules/m; echo x > node_modules/m/f; echo y > tracked.log; echo z > keep.log; echo z > other.log");

        Assert.Equal("A keep.log\nM tracked.log", session.Changes());
    }

    [Fact]
    public void Finish_Twice_CommitsOnce()
    {
        using var session = new WorktreeSession().Begin().Agent("echo 2 > src/a.txt").Finish().Finish();

        Assert.Equal("1\n", session.Git("rev-list --count main..agent/20260101-000000-tree"));
    }

    [Fact]
    public void Discard_RemovesFolderAndBranch_UnlessItWasMovedOn()
    {
        using var session = new WorktreeSession().Begin().Agent("echo 2 > src/a.txt").Finish();
        session.Git("update-ref refs/heads/agent/20260101-000000-tree main");
        Assert.False(WorktreeWorkspace.Discard(session.Workspace));
        session.Git($"update-ref refs/heads/agent/20260101-000000-tree {session.Workspace.Worktree!.Commit}");

        Assert.True(WorktreeWorkspace.Discard(session.Workspace));
        Assert.True(WorktreeWorkspace.Discard(session.Workspace));
        Assert.Equal("", session.Git("branch --list 'agent/*'"));
        Assert.False(Directory.Exists(session.Tree));
        Assert.False(File.Exists(session.Canary));
    }

    [Fact]
    public void Create_NoRepositoryOrNoCommit_SaysWhatToDo()
    {
        using var none = new WorktreeSession();
        none.Shell("rm -r .git");
        Assert.Contains("git init", Assert.Throws<WorkspaceException>(() => none.Begin()).Message, StringComparison.Ordinal);
        using var empty = new WorktreeSession();
        empty.Shell("rm -r .git; git init -q .");
        Assert.Contains("no commit", Assert.Throws<WorkspaceException>(() => empty.Begin()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Create_Submodule_IsLeftAsItIs()
    {
        using var session = new WorktreeSession("git init -q lib; git -C lib -c user.name=x -c user.email=x commit -q --allow-empty -m x; echo x > f").Begin()
            .Agent("echo 2 > f; test -d lib; echo z > lib/inside").Finish();

        Assert.StartsWith("160000", session.Git("ls-tree agent/20260101-000000-tree lib"), StringComparison.Ordinal);
    }

    [Fact]
    public void Finish_AsRootOnSomebodysRepository_LeavesNothingOfRoots()
    {
        // Anybody else writes as themselves in any case.
        if (FileCalls.geteuid() != 0)
            return;
        using var session = new WorktreeSession();
        session.Shell("chown -R 65534:65534 .");
        session.Begin().Agent("test \"$(stat -c %u src/a.txt)\" = 65534; echo 2 > src/a.txt").Finish();

        Assert.Equal("", session.Shell("find . ! -user 65534"));
        Assert.False(File.Exists(session.Canary));
    }
}
