using Gatehouse.AgentSandbox.Composition;
using Gatehouse.AgentSandbox.Launch;
using Gatehouse.TestKit;

namespace Gatehouse.AgentSandbox.Tests.Composition;

public sealed class CopiedFolderTests
{
    [Fact]
    public void Copy_OfAFolder_HasWhatIsVisibleAsTheAgentsOwn()
    {
        using var folder = new CopiedFolder(
            "mkdir -p a/b; echo one >a/b/file; ln -s b/file a/link; echo secret >.env; mkdir keys; echo k >keys/x.pem; cp /bin/true a/tool; chmod 4755 a/tool; mkfifo pipe; mkdir closed; chmod 500 closed",
            "**/.env", "**/*.pem");
        Assert.Equal(2, folder.Hidden);
        Assert.Equal(
            """
            . 1000:1000 755
            ./a 1000:1000 755
            ./a/b 1000:1000 755
            ./a/b/file 1000:1000 644
            ./a/link 1000:1000 777
            ./a/tool 1000:1000 755
            ./closed 1000:1000 500
            ./keys 1000:1000 755
            """.ReplaceLineEndings("\n"), CopiedFolder.Out(folder.Copy, "find . -printf '%p %U:%G %m\\n' | sort"));
        Assert.Equal("", folder.Changes());
    }

    [Fact]
    public void Changes_OfEveryKind_AreWhatAnOverlayWouldSay()
    {
        using var folder = new CopiedFolder("mkdir -p a/b gone; echo one >a/one; echo two >a/two; echo x >gone/x; echo f >file; mkdir dir; echo d >dir/d; ln -s a link; echo s >.env; chmod 644 a/two", "**/.env");
        folder.Agent("echo ONE >a/one; chmod 755 a/two; rm -r gone; rm file; mkdir file; echo in >file/in; rm -r dir; echo now >dir; ln -sfn b link; mkdir -p new/deep; echo n >new/deep/n; echo mine >.env");
        Assert.Equal(
            """
            A .env (hidden)
            M a/one
            m a/two
            T dir
            T file
            A file/in
            D gone
            M link
            A new
            A new/deep
            A new/deep/n
            """.ReplaceLineEndings("\n"), folder.Changes());
    }

    [Fact]
    public void Apply_OfACopysChanges_MakesTheHostTheSame()
    {
        using var folder = new CopiedFolder("mkdir -p a/b; echo one >a/one; echo two >a/b/two; echo gone >gone");
        folder.Agent("echo ONE >a/one; mkdir c; echo three >c/three; rm gone; rm -r a/b");
        folder.Apply();
        Assert.Equal(CopiedFolder.Out(folder.Copy, "find . -type f -exec sha256sum {} + | sort"), CopiedFolder.Out(folder.Host, "find . -type f -exec sha256sum {} + | sort"));
        Assert.Equal(CopiedFolder.Out(folder.Copy, "find . -type d | sort"), CopiedFolder.Out(folder.Host, "find . -type d | sort"));
    }

    // In a volume nothing keeps the agent from setting what only OverlayFS means something by.
    [Fact]
    public void Marks_OfOverlayFsThatTheAgentSets_MeanNothing()
    {
        using var folder = new CopiedFolder("mkdir a; echo one >a/one; echo two >two");
        folder.Agent(
            """
            python3 -c 'import os
            os.setxattr("a", "user.overlay.opaque", b"x"); os.setxattr("a", "user.overlay.redirect", b"/../../etc")
            os.setxattr("two", "user.overlay.whiteout", b""); os.setxattr(".", "user.overlay.opaque", b"y")'
            """);
        Assert.Equal("", folder.Changes());
    }

    [Fact]
    public void Links_InACopy_LeadNowhere()
    {
        using var folder = new CopiedFolder("mkdir a; echo one >a/one");
        folder.Agent("rm -r a; ln -s /etc a; ln -s /etc/shadow shadow");
        Assert.Equal("T a\nA shadow", folder.Changes());
        Assert.Equal("", CopiedFolder.Out(folder.Host, "find . -name passwd -o -name shadow -type f"));
    }

    [Fact]
    public void Collecting_Twice_IsAsOnce()
    {
        using var folder = new CopiedFolder("echo one >one");
        folder.Agent("echo more >>one; echo new >new");
        var first = folder.Changes();
        Assert.Equal("A new\nM one", first);
        Assert.Equal(first, folder.Changes());
    }

    [Theory]
    [InlineData("agent: { command: [x], isolation: docker, image: other }", "agent.image")]
    [InlineData("agent: { command: [x], isolation: docker, limits: { memory: 1GiB } }", "agent.limits.memory")]
    [InlineData("agent: { command: [x], limits: { processes: 10 } }", "pids_limit")]
    [InlineData("agent: { command: [x], publish: [{ inside: 8080, host: \"127.0.0.1:8080\" }] }", "agent.publish")]
    [InlineData("filesystem: { scratch: [{ at: /tmp, size: 1MiB }] }", "tmpfs")]
    public void Policy_WithWhatOnlyTheComposeFileDecides_IsRefused(string yaml, string named)
    {
        using var folder = new TempFolder();
        folder.Write("gatehouse.yaml", "version: 1\n" + yaml + "\n");
        var error = Assert.Throws<LaunchException>(() => ComposedPolicy.Check(LoadedPolicy.Load(folder.File("gatehouse.yaml"))));
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
        Assert.Contains("remove it", error.Message, StringComparison.Ordinal);
    }
}
