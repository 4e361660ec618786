using Gatehouse.AgentSandbox.Workspaces;
using Gatehouse.AgentSandbox.Workspaces.Files;

namespace Gatehouse.AgentSandbox.Tests.Workspaces;

public sealed class ChangeScannerTests
{
    [Fact]
    public void Changes_AgentDidNothing_AreNone()
    {
        using var session = new OverlaySession().WithHost("echo a > a; mkdir d; echo b > d/b").Begin().Agent("cat a d/b > /dev/null");

        Assert.Equal("", session.Changes());
    }

    [Fact]
    public void Changes_EachKind_IsToldApart()
    {
        using var session = new OverlaySession()
            .WithHost("echo old > modified; echo old > deleted; echo x > retyped; mkdir -p deep/er; echo y > deep/er/file; echo m > mode; ln -s a link; ln -s a same; mkdir gone; echo z > gone/inner; echo t > touched")
            .Begin()
            .Agent("echo new > modified; rm deleted; rm retyped; mkdir retyped; echo 1 > retyped/inside; echo more >> deep/er/file; chmod 755 mode; ln -sfn b link; touch -h same; rm -r gone; touch touched; mkdir added; echo n > added/new; ln -s added to");

        Assert.Equal("""
            A added/
            A added/new
            M deep/er/file
            D deleted
            D gone/
            M link
            m mode
            M modified
            T retyped/
            A retyped/inside
            A to
            """, session.Changes());
    }

    [Fact]
    public void Changes_SameSizeOtherBytes_AreModified()
    {
        using var session = new OverlaySession().WithHost("head -c 600000 /dev/zero > f; head -c 600000 /dev/zero > g").Begin()
            .Agent("printf x | dd of=f bs=1 seek=599999 conv=notrunc status=none; printf '\\0' | dd of=g bs=1 seek=1 conv=notrunc status=none");

        Assert.Equal("M f", session.Changes());
    }

    [Fact]
    public void Changes_FolderReplaced_ListsWhatWasInItAsDeleted()
    {
        using var session = new OverlaySession().WithHost("mkdir -p d/sub d/other; echo 1 > d/a; echo 2 > d/b; echo 3 > d/sub/c; echo 4 > d/sub/e; echo 5 > d/other/f").Begin()
            .Agent("rm -r d; mkdir -p d/sub; echo 1 > d/a; echo new > d/n; echo 3 > d/sub/c");

        Assert.Equal("D d/b\nA d/n\nD d/other/\nD d/sub/e", session.Changes());
    }

    [Fact]
    public void Changes_FolderRenamed_IsDeletedAndAdded()
    {
        using var session = new OverlaySession().WithHost("mkdir -p from/sub; echo 1 > from/a; echo 2 > from/sub/b").Begin().Agent("mv from to");

        Assert.Equal("D from/\nA to/\nA to/a\nA to/sub/\nA to/sub/b", session.Changes());
    }

    [Fact]
    public void Changes_HardLinks_AreFiles()
    {
        using var session = new OverlaySession().WithHost("echo 1 > a; ln a b").Begin().Agent("ln a c; echo 2 >> c");

        Assert.Equal("M a\nA c", session.Changes());
    }

    [Fact]
    public void Changes_WhiteoutsByAttribute_AreDeletions()
    {
        // Newer kernels write them; this is their form on disk.
        using var session = new OverlaySession().WithHost("mkdir d; echo 1 > d/a; echo 2 > d/b").Begin();
        session.Shell(session.Upper, "mkdir d; : > d/a");
        session.Mark("d", "user.overlay.opaque", "x");
        session.Mark("d/a", "user.overlay.whiteout", "y");

        Assert.Equal("D d/a", session.Changes());
    }

    [Theory]
    [InlineData("user.overlay.redirect", "/d")]
    [InlineData("user.overlay.metacopy", "")]
    [InlineData("user.overlay.opaque", "z")]
    [InlineData("user.overlay.unheard-of", "y")]
    public void Changes_MarkThatOurMountsNeverMake_AreRefused(string name, string value)
    {
        using var session = new OverlaySession().WithHost("mkdir d; echo 1 > d/a").Begin();
        session.Shell(session.Upper, "mkdir d; echo 2 > d/a");
        session.Mark(name.EndsWith("metacopy", StringComparison.Ordinal) ? "d/a" : "d", name, value);

        Assert.Contains("somebody changed it", Assert.Throws<WorkspaceException>(session.Changes).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Changes_AgentsOwnAttributes_DoNotMatter()
    {
        using var session = new OverlaySession().WithHost("echo 1 > a").Begin().Agent("mkdir b");
        for (var i = 0; i < 60; i++)
            session.Mark("b", $"user.long-name-of-an-attribute-{i}", "x");
        // As overlay stores what the agent called user.overlay.opaque.
        session.Mark("b", "user.overlay.overlay.opaque", "y");

        Assert.Equal("A b/", session.Changes());
    }

    [Fact]
    public void Changes_NamesThatAreNoText_AreShownSafelyAndExactly()
    {
        using var session = new OverlaySession().Begin()
            .Agent("""echo 1 > $'a\nb'; echo 1 > $'\xff\xfe'; echo 1 > $'esc\e[31m'; echo 1 > $'rtl\xe2\x80\xaetxt.exe'; echo 1 > 'back\slash'; echo 1 > $'del\x7f'; echo 1 > ü""");

        Assert.Equal("""
            A a\nb
            A back\\slash
            A del\x7f
            A esc\x1b[31m
            A rtl\u{202e}txt.exe
            A ü
            A \xff\xfe
            """, session.Changes());
        using var review = session.Review();
        Assert.All(review.Changes(), change => Assert.Equal(change.Path, RelativePath.Of(change.Path.ToString())));
    }

    [Fact]
    public void Changes_PathsLongerThanTheKernelTakes_AreFound()
    {
        using var session = new OverlaySession().Begin()
            .Agent("name=$(printf 'x%.0s' $(seq 200)); for i in $(seq 60); do mkdir $name; cd $name; done; echo deep > file");

        using var review = session.Review();
        var changes = review.Changes();
        Assert.Equal(61, changes.Length);
        Assert.Equal(61, changes[^1].Path.Depth);
        Assert.Equal(5, changes[^1].Size);
    }

    [Fact]
    public void Changes_DeeperThanAnybodyGoes_AreRefusedAndDiscarded()
    {
        using var session = new OverlaySession().Begin()
            .Agent("""exec perl -e 'for (1..5000) { mkdir "d"; chdir "d" or die }'""");

        Assert.Contains("too deep", Assert.Throws<WorkspaceException>(session.Changes).Message, StringComparison.Ordinal);
        OverlayReview.Discard(session.Workspace);
        Assert.Empty(Directory.EnumerateFileSystemEntries(session.Workspace.Folder));
    }

    [Fact]
    public void Changes_LinkInPlaceOfALayersFolder_IsNotFollowed()
    {
        using var session = new OverlaySession().WithHost("mkdir d; echo 1 > d/a").Begin().Agent("echo 2 > d/a");
        session.Shell("/tmp", $"mkdir {session.Outside}; echo secret > {session.Outside}/a; rm -r {session.Upper}/d; ln -s {session.Outside} {session.Upper}/d");

        Assert.Equal("T d", session.Changes());
    }

    [Fact]
    public void Changes_LinkInPlaceOfAHostFolder_IsNotFollowed()
    {
        using var session = new OverlaySession().WithHost("mkdir d; echo 1 > d/a").Begin().Agent("echo 2 > d/a");
        session.Shell("/tmp", $"mkdir {session.Outside}; echo 2 > {session.Outside}/a; rm -r {session.Host}/d; ln -s {session.Outside} {session.Host}/d");

        Assert.Equal("T d/\nA d/a", session.Changes());
    }

    [Fact]
    public void Changes_SocketsAndPipes_AreListedAsSuch()
    {
        using var session = new OverlaySession().Begin().Agent("mkfifo pipe; perl -MSocket -e 'socket(S,AF_UNIX,SOCK_STREAM,0); bind(S,pack_sockaddr_un(\"sock\"))'");

        using var review = session.Review();
        Assert.All(review.Changes(), change => Assert.Equal(FileType.Other, change.Type));
        Assert.Equal(2, review.Changes().Length);
    }

    [Fact]
    public void Changes_FileThatItsModeCloses_IsCompared()
    {
        using var session = new OverlaySession().WithHost("echo 1 > f; echo 1 > g").Begin().Agent("touch g; chmod 000 f g; touch f");

        Assert.Equal("m f\nm g", session.Changes());
        Assert.Equal(UnixFileMode.None, File.GetUnixFileMode(Path.Combine(session.Upper, "f")));
    }

    [Fact]
    public void Changes_SetUserId_IsNoted()
    {
        using var session = new OverlaySession().Begin().Agent("echo 1 > f; chmod 4755 f");

        using var review = session.Review();
        var change = Assert.Single(review.Changes());
        Assert.True(change.HasSpecialBits);
        Assert.Equal(0x1edu, change.Mode);
    }

    [Fact]
    public void Changes_LargeTreeFewChanges_AreFoundWithoutWalkingIt()
    {
        using var session = new OverlaySession().WithHost("for i in $(seq 200); do mkdir d$i; (cd d$i; touch $(seq 50)); done; echo x > d7/x").Begin()
            .Agent("echo y > d7/x; rm d9/9");
        // A folder that may not be opened shows whether it was.
        session.Shell(session.Host, "chmod 000 d100");
        try
        {
            Assert.Equal("M d7/x\nD d9/9", session.Changes());
        }
        finally
        {
            session.Shell(session.Host, "chmod 755 d100");
        }
    }

}
