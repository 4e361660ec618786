using Gatehouse.AgentSandbox.Workspaces;
using Gatehouse.AgentSandbox.Workspaces.Applying;
using Gatehouse.AgentSandbox.Workspaces.Files;

namespace Gatehouse.AgentSandbox.Tests.Workspaces;

public sealed class ApplyTests
{
    internal const string Before =
        "echo old > modified; chmod 640 modified; echo old > deleted; echo x > retyped; mkdir -p deep/er; echo y > deep/er/file; echo m > mode; ln -s a link; mkdir -p gone/sub; echo z > gone/sub/inner; mkdir was; echo w > was/in; mkdir swap; echo 1 > swap/a; echo 2 > swap/b; mkdir shut; echo s > shut/f";

    internal const string Work =
        "echo new > modified; rm deleted; rm retyped; mkdir retyped; echo 1 > retyped/inside; echo more >> deep/er/file; chmod 755 mode; ln -sfn b link; rm -r gone; rm -r was; echo now a file > was; mkdir -p added/sub; echo n > added/sub/new; ln -s added to; rm -r swap; mkdir swap; echo 3 > swap/c; echo t > shut/f; echo u > shut/g; chmod 555 shut";

    [Fact]
    public void Apply_WholeSession_MakesTheHostWhatTheAgentSaw()
    {
        using var session = new OverlaySession().WithHost(Before).Begin().Agent(Work);
        var wanted = session.AgentOutput("find . -mindepth 1 -printf '%P %y %m %l\\n' | sort; find . -type f -exec sha256sum {} + | sort");

        Assert.All(session.Apply(), step => Assert.Equal(StepOutcome.Applied, step.Outcome));

        Assert.Equal(wanted, session.HostTree());
        Assert.Equal("", session.Changes());
        session.Shell(session.Host, "chmod 755 shut");
    }

    [Fact]
    public void Apply_ThenUndo_MakesTheHostWhatItWas()
    {
        using var session = new OverlaySession().WithHost(Before).Begin().Agent(Work);
        var before = session.HostTree();
        var changes = session.Changes();
        session.Apply();

        using (var review = session.Review())
            Assert.All(review.Undo(force: false), step => Assert.Equal(StepOutcome.Applied, step.Outcome));

        Assert.Equal(before, session.HostTree());
        Assert.Equal(changes, session.Changes());
        using (var review = session.Review())
            Assert.Empty(review.Undo(force: false));
        // What undo put back is no change of anybody's.
        Assert.All(session.Apply(), step => Assert.Equal(StepOutcome.Applied, step.Outcome));
        session.Shell(session.Host, "chmod 755 shut");
    }

    [Fact]
    public void Apply_NamedPath_BringsTheFoldersItNeedsAndNothingElse()
    {
        using var session = new OverlaySession().WithHost(Before).Begin().Agent(Work);

        session.Apply("added/sub/new", "modified");

        Assert.Equal("new\n", session.Read("modified"));
        Assert.Equal("n\n", session.Read("added/sub/new"));
        Assert.True(File.Exists(Path.Combine(session.Host, "deleted")));
        Assert.DoesNotContain("added", session.Changes(), StringComparison.Ordinal);
    }

    [Fact]
    public void Apply_NameThatDidNotChange_SaysSo()
    {
        using var session = new OverlaySession().WithHost(Before).Begin().Agent(Work);

        Assert.Contains("changed nothing at nowhere", Assert.Throws<WorkspaceException>(() => session.Apply("nowhere")).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("echo theirs > modified", "modified")]
    [InlineData("touch deleted", "deleted")]
    [InlineData("echo theirs > gone/sub/inner", "gone/sub/inner")]
    [InlineData("echo theirs > gone/theirs", "gone/theirs")]
    [InlineData("mv was/in elsewhere; mv elsewhere was/in", "was/in")]
    [InlineData("mkdir added; echo theirs > added/sub", "added/sub")]
    public void Apply_HostChangedMeanwhile_IsRefusedAsAWhole(string host, string path)
    {
        using var session = new OverlaySession().WithHost(Before).Begin().Agent(Work);
        session.Shell(session.Host, host);
        var before = session.HostTree();

        using (var review = session.Review())
            Assert.Equal(path, Assert.Single(review.Plan(review.Changes(), []).Conflicts).Path.ToString());
        Assert.Throws<WorkspaceException>(() => session.Apply());

        Assert.Equal(before, session.HostTree());
    }

    [Fact]
    public void Apply_Forced_KeepsTheHostsVersionForUndo()
    {
        using var session = new OverlaySession().WithHost("echo old > f; mkdir d; echo 1 > d/a").Begin().Agent("echo agent > f; rm -r d");
        session.Shell(session.Host, "echo theirs > f; echo theirs > d/b");
        var theirs = session.HostTree();

        session.Apply(force: true);
        Assert.Equal("agent\n", session.Read("f"));
        Assert.False(Directory.Exists(Path.Combine(session.Host, "d")));

        using var review = session.Review();
        review.Undo(force: false);
        Assert.Equal(theirs, session.HostTree());
    }

    [Fact]
    public void Undo_HostChangedSince_LeavesThatAlone()
    {
        using var session = new OverlaySession().WithHost("echo 1 > a; echo 1 > b").Begin().Agent("echo 2 > a; echo 2 > b; mkdir d; echo 2 > d/c");
        session.Apply();
        session.Shell(session.Host, "echo theirs > a; echo theirs > d/theirs");

        using (var review = session.Review())
        {
            var left = review.Undo(force: false).Where(step => step.Outcome != StepOutcome.Applied).Select(step => step.Path.ToString());
            Assert.Equal(["d", "a"], left);
        }

        Assert.Equal("theirs\n", session.Read("a"));
        Assert.Equal("1\n", session.Read("b"));
        using (var review = session.Review())
            review.Undo(force: true);
        Assert.Equal("1\n", session.Read("a"));
    }

    [Fact]
    public void Apply_SpecialBits_AreDropped()
    {
        using var session = new OverlaySession().WithHost("echo 1 > f; chmod 4755 f; mkdir d; chmod 2755 d").Begin()
            .Agent("echo x > su; chmod 6755 su; mkdir s; chmod 1777 s; echo 2 > f; chmod 4755 f; chmod 2775 d");
        session.Apply();

        Assert.Equal("2775 755 777 755\n", session.Shell(session.Host, "stat -c %a d f s su | tr '\\n' ' ' | sed 's/ $/\\n/'"));
        Assert.Equal("", session.Changes());
    }

    [Fact]
    public void Apply_AttributesAndSecondNames_StayBehind()
    {
        using var session = new OverlaySession().Begin().Agent("echo 1 > a; ln a b");
        session.Mark("a", "user.note", "x");
        session.Apply();

        Assert.Equal("1 1\n", session.Shell(session.Host, "echo $(stat -c %h a b)"));
    }

    [Fact]
    public void Apply_HostFileWithSecondNameElsewhere_ChangesOnlyThisName()
    {
        using var session = new OverlaySession();
        session.WithHost($"mkdir {session.Outside}; echo key > {session.Outside}/key; chmod 600 {session.Outside}/key; ln {session.Outside}/key linked").Begin().Agent("chmod 644 linked");
        session.Apply();

        Assert.Equal("600 644\n", session.Shell(session.Host, $"echo $(stat -c %a {session.Outside}/key linked)"));
    }

    [Fact]
    public void Apply_HostFolderBecameALink_IsNotFollowed()
    {
        using var session = new OverlaySession().WithHost("mkdir d; echo 1 > d/a; echo 1 > d/b").Begin().Agent("echo 2 > d/a; rm d/b; echo 2 > d/new");
        using var review = session.Review();
        var plan = review.Plan(review.Changes(), []);
        // Between what the person saw and what is done.
        session.Shell("/tmp", $"mkdir {session.Outside}; echo secret > {session.Outside}/a; echo secret > {session.Outside}/b; rm -r {session.Host}/d; ln -s {session.Outside} {session.Host}/d");

        Assert.All(review.Apply(plan, force: true), step => Assert.NotEqual(StepOutcome.Applied, step.Outcome));

        Assert.Equal("secret\n", File.ReadAllText(Path.Combine(session.Outside, "a")));
        Assert.Equal(2, Directory.GetFileSystemEntries(session.Outside).Length);
    }

    [Fact]
    public void Apply_HostFileBecameALink_IsReplacedNotWrittenThrough()
    {
        using var session = new OverlaySession().WithHost("echo 1 > a").Begin().Agent("echo 2 > a");
        using var review = session.Review();
        var plan = review.Plan(review.Changes(), []);
        session.Shell("/tmp", $"mkdir {session.Outside}; echo secret > {session.Outside}/a; ln -sf {session.Outside}/a {session.Host}/a");

        Assert.Equal(StepOutcome.Conflict, Assert.Single(review.Apply(plan, force: false)).Outcome);
        Assert.Equal("secret\n", File.ReadAllText(Path.Combine(session.Outside, "a")));
    }

    [Fact]
    public void Apply_LayersFolderBecameALink_IsNotFollowed()
    {
        using var session = new OverlaySession().WithHost("mkdir d; echo 1 > d/a").Begin().Agent("echo 2 > d/a");
        using var review = session.Review();
        var plan = review.Plan(review.Changes(), []);
        session.Shell("/tmp", $"mkdir {session.Outside}; echo secret > {session.Outside}/a; rm -r {session.Upper}/d; ln -s {session.Outside} {session.Upper}/d");

        Assert.Equal(StepOutcome.Failed, Assert.Single(review.Apply(plan, force: false)).Outcome);
        Assert.Equal("1\n", session.Read("d/a"));
    }

    [Fact]
    public void Review_AnotherFolderInTheHostsPlace_IsRefused()
    {
        using var session = new OverlaySession().WithHost("echo 1 > a").Begin().Agent("echo 2 > a");
        session.Shell("/tmp", $"mv {session.Host} {session.Host}2; mkdir {session.Host}");

        Assert.Contains("another folder", Assert.Throws<WorkspaceException>(session.Review).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Apply_NamesThatAreNoText_ArriveByteForByte()
    {
        using var session = new OverlaySession().WithHost("""echo 1 > $'\xff'; echo 1 > $'n\nl'""").Begin().Agent("""echo 2 > $'\xff'; rm $'n\nl'; mkdir $'\xfe'; echo 3 > $'\xfe/\x80'; ln -s $'\xff' l""");
        session.Apply(@"\xff", @"n\nl", @"\xfe", "l");

        Assert.Equal("2\n3\n2\n", session.Shell(session.Host, """cat $'\xff' $'\xfe/\x80' l; test ! -e $'n\nl'"""));
    }

    [Fact]
    public void Apply_ManyFiles_IsWhole()
    {
        using var session = new OverlaySession().WithHost("seq -f f%g 300 | xargs touch").Begin().Agent("for i in $(seq 300); do echo $i > f$i; done");
        Assert.Equal(300, session.Apply().Length);
        Assert.Equal("", session.Changes());
    }

    [Fact]
    public void Discard_LeavesNothingAndTheHostAsItWas()
    {
        using var session = new OverlaySession().WithHost(Before).Begin("**/inner").Agent(Work + "; mkdir -p locked/in; echo x > locked/in/x; chmod 000 locked/in locked");
        var before = session.HostTree();

        OverlayReview.Discard(session.Workspace);
        OverlayReview.Discard(session.Workspace);

        Assert.Empty(Directory.EnumerateFileSystemEntries(session.Workspace.Folder));
        Assert.Equal(before, session.HostTree());
    }

    [Fact]
    public void Discard_LinkInTheLayer_IsNotFollowed()
    {
        using var session = new OverlaySession().Begin().Agent("mkdir d");
        session.Shell("/tmp", $"mkdir {session.Outside}; echo keep > {session.Outside}/a; ln -s {session.Outside} {session.Upper}/d/l");
        OverlayReview.Discard(session.Workspace);

        Assert.Equal("keep\n", File.ReadAllText(Path.Combine(session.Outside, "a")));
    }

    [Fact]
    public void Apply_ClosedFolder_IsHeldForWhoeverCanNotLookIntoIt()
    {
        using var session = new OverlaySession().Begin().Agent("mkdir d; echo 1 > d/a; chmod 000 d");
        using var review = session.Review();
        var plan = review.Plan(review.Changes(), []);

        Assert.Equal(FileCalls.geteuid() == 0 ? [] : new[] { HoldReason.Unreadable }, plan.Held.Select(held => held.Reason));
    }
}
