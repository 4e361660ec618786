using System.Diagnostics;
using Gatehouse.AgentSandbox.Workspaces;
using Gatehouse.AgentSandbox.Workspaces.Files;
using Gatehouse.AgentSandbox.Workspaces.Hiding;
using Gatehouse.Policy.Names;

namespace Gatehouse.AgentSandbox.Tests.Workspaces;

public sealed class MaskLayerTests
{
    private const string Secrets = "echo k > .env; mkdir -p app/deep vault/inner; echo k > app/deep/.env; echo k > app/server.pem; echo k > vault/inner/key; echo r > app/readme";

    [Fact]
    public void Hide_MatchingNames_AreNotThereForTheAgent()
    {
        using var session = new OverlaySession().WithHost(Secrets).Begin("**/.env", "**/*.pem", "vault");

        Assert.Equal("app\napp/deep\napp/readme\n", session.AgentOutput("find . -mindepth 1 -printf '%P\\n' | sort"));
        Assert.Equal(4, session.Workspace.Hidden);
        Assert.Equal("", session.Changes());
    }

    [Fact]
    public void Hide_NoMatch_MakesNoLayer()
    {
        using var session = new OverlaySession().WithHost("echo r > readme").Begin("**/.env");

        Assert.False(session.HasMask);
        Assert.False(Directory.Exists(Path.Combine(session.Workspace.Folder, "mask")));
    }

    [Fact]
    public void Hide_FoldersOnTheWay_LookAsOnTheHost()
    {
        using var session = new OverlaySession().WithHost(Secrets + "; chmod 751 .; chmod 1750 app; chmod 555 app/deep; touch -d 2001-02-03 app app/deep").Begin("**/.env");

        var host = session.Shell(session.Host, "stat -c '%a %Y' . app app/deep").Split('\n')[1..];
        Assert.Equal(host, session.AgentOutput("stat -c '%a %Y' . app app/deep").Split('\n')[1..]);
        Assert.Equal("751\n", session.AgentOutput("stat -c %a ."));
        session.Shell(session.Host, "chmod 755 app/deep");
    }

    [Fact]
    public void Hide_FolderThatCanNotBeLookedThrough_IsHidden()
    {
        using var session = new OverlaySession().WithHost("mkdir -p closed/x; echo k > closed/x/.env; chmod 000 closed; mkdir open");
        try
        {
            session.Begin("**/.env");
            // Root can look into it.
            Assert.Equal(FileCalls.geteuid() == 0 ? "closed closed/x open " : "open ", session.AgentOutput("find . -mindepth 1 -printf '%P\\n' | sort | tr '\\n' ' '"));
        }
        finally
        {
            session.Shell(session.Host, "chmod 755 closed");
        }
    }

    [Fact]
    public void Hide_AgentMakesAHiddenName_IsHeldAndTheHostsStays()
    {
        using var session = new OverlaySession().WithHost(Secrets).Begin("**/.env", "vault").Agent("echo mine > .env; mkdir -p vault/inner; echo mine > vault/inner/key; echo 2 > app/readme");

        Assert.Equal("A .env\nM app/readme\nA vault/\nA vault/inner/\nA vault/inner/key", session.Changes());
        Assert.Equal("app/readme", Assert.Single(session.Apply()).Path.ToString());
        Assert.Equal("k\n", session.Read(".env"));
        Assert.Equal("k\n", session.Read("vault/inner/key"));
    }

    [Fact]
    public void Hide_LinksOnTheHost_AreNotFollowed()
    {
        using var session = new OverlaySession().WithHost("mkdir a; echo k > a/.env; ln -s a b; ln -s / root").Begin("**/.env");

        Assert.Equal(1, session.Workspace.Hidden);
    }

    [Theory]
    [InlineData(".env", true)]
    [InlineData("id_rsa", false)]
    public void Hides_FileInput_IsDecidedByItsName(string name, bool hidden) =>
        Assert.Equal(hidden, OverlayWorkspace.Hides(HideRules.Parse(["**/.env"]), "/home/somebody/" + name));

    [Theory]
    [InlineData("secrets/", "secrets")]
    [InlineData("./secrets", "secrets")]
    public void Rules_OtherWaysOfWritingAFolder_HideIt(string pattern, string path) =>
        Assert.True(HideRules.Parse([pattern]).IsHidden(RelativePath.Of(path)));

    [Fact]
    public void Rules_AgreeWithThePatternOnEveryPath()
    {
        string[] patterns = ["**/.env", "**/.env.*", "**/*.pem", "a/**/b", "*", "**", "a*b/c", "**/a/**/c", "x/*/z", "**/**/q", "*.*", "a/b/c", "**/a*"];
        string[] names = ["a", "b", "c", ".env", ".env.local", "k.pem", "x", "z", "aab", "q", "ü"];
        var random = new Random(7);
        foreach (var text in patterns)
        {
            Assert.True(PathPattern.TryParse(text, out var pattern, out _));
            var rules = HideRules.Parse([text]);
            for (var i = 0; i < 2000; i++)
            {
                var parts = Enumerable.Range(0, random.Next(1, 6)).Select(_ => names[random.Next(names.Length)]).ToArray();
                var expected = Enumerable.Range(1, parts.Length).Any(length => pattern.IsMatch(string.Join('/', parts[..length])));
                Assert.True(expected == rules.IsHidden(RelativePath.Of(string.Join('/', parts))), $"{text} on {string.Join('/', parts)}");
            }
        }
    }

    [Fact]
    public void Build_TwentyThousandNames_IsQuick()
    {
        using var session = new OverlaySession().WithHost("for i in $(seq 20); do mkdir -p d$i/e; (cd d$i/e; seq -f f%g 1000 | xargs touch); done; touch d7/e/.env");
        var watch = Stopwatch.StartNew();
        session.Begin("**/.env", "**/.env.*", "**/*.pem", "**/id_rsa");

        Assert.Equal(1, session.Workspace.Hidden);
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(2));
    }
}
