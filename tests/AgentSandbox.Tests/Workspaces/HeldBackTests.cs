using System.Collections.Immutable;
using Gatehouse.AgentSandbox.Workspaces.Applying;
using Gatehouse.AgentSandbox.Workspaces.Files;

namespace Gatehouse.AgentSandbox.Tests.Workspaces;

public sealed class HeldBackTests
{
    [Theory]
    [InlineData("echo x > gatehouse.yaml", "gatehouse.yaml", nameof(HoldReason.Policy))]
    [InlineData("mkdir -p a/b; echo x > a/b/Gatehouse.yaml", "a/b/Gatehouse.yaml", nameof(HoldReason.Policy))]
    [InlineData("echo x > .git/hooks/pre-commit", ".git/hooks/pre-commit", nameof(HoldReason.GitControl))]
    [InlineData("echo x > .git/config", ".git/config", nameof(HoldReason.GitControl))]
    [InlineData("mkdir .git/info; echo x > .git/info/attributes", ".git/info/attributes", nameof(HoldReason.GitControl))]
    [InlineData("mkdir -p .git/modules/m/hooks; echo x > .git/modules/m/hooks/post-checkout", ".git/modules/m/hooks/post-checkout", nameof(HoldReason.GitControl))]
    [InlineData("mkdir -p .git/worktrees/w; echo x > .git/worktrees/w/config.worktree", ".git/worktrees/w/config.worktree", nameof(HoldReason.GitControl))]
    [InlineData("mkdir -p .git/objects/info; echo / > .git/objects/info/alternates", ".git/objects/info/alternates", nameof(HoldReason.GitControl))]
    [InlineData("rm .git/hooks/sample", ".git/hooks/sample", nameof(HoldReason.GitControl))]
    [InlineData("rm -r .git", ".git", nameof(HoldReason.GitControl))]
    [InlineData("rm -r .git; echo 'gitdir: evil' > .git", ".git", nameof(HoldReason.GitControl))]
    [InlineData("rm -r .git; ln -s evil .git", ".git", nameof(HoldReason.GitControl))]
    [InlineData("mkdir -p lib/.git; echo x > lib/.git/config", "lib/.git/config", nameof(HoldReason.GitControl))]
    [InlineData("mkdir -p lib; echo 'gitdir: ../evil' > lib/.git", "lib/.git", nameof(HoldReason.GitControl))]
    [InlineData("mkdir .GIT; echo x > .GIT/config", ".GIT/config", nameof(HoldReason.GitControl))]
    [InlineData("rmdir .git/logs; ln -s hooks .git/logs", ".git/logs", nameof(HoldReason.GitControl))]
    [InlineData("mkdir -p bare/objects bare/refs; echo x > bare/HEAD; echo x > bare/config", "bare/config", nameof(HoldReason.GitControl))]
    [InlineData("ln -s /etc/passwd link", "link", nameof(HoldReason.EscapingLink))]
    [InlineData("ln -s ../outside link", "link", nameof(HoldReason.EscapingLink))]
    [InlineData("ln -s a/../../outside link", "link", nameof(HoldReason.EscapingLink))]
    [InlineData("mkdir sub; ln -s ../../outside sub/link", "sub/link", nameof(HoldReason.EscapingLink))]
    [InlineData("rm -r nested", "nested", nameof(HoldReason.HoldsProtected))]
    [InlineData("rm -r configured", "configured", nameof(HoldReason.HoldsProtected))]
    [InlineData("rm -r keys", "keys", nameof(HoldReason.HoldsProtected))]
    [InlineData("echo mine > keys/.env", "keys/.env", nameof(HoldReason.Hidden))]
    [InlineData("mkfifo pipe", "pipe", nameof(HoldReason.SpecialFile))]
    public void Apply_WhatWouldRunCodeOrAlterUs_WaitsUntilItIsNamed(string work, string path, string because)
    {
        var reason = Enum.Parse<HoldReason>(because);
        using var session = Begin().Agent(work);
        var held = Held(session).Where(each => each.Reason != HoldReason.NeedsFolder && each.Change.Path.ToString() == path);
        Assert.Equal(reason, Assert.Single(held).Reason);

        session.Apply();
        Assert.Contains(path, session.Changes(), StringComparison.Ordinal);

        if (reason is HoldReason.SpecialFile)
            return;
        session.Apply(force: true, path);
        Assert.DoesNotContain(session.Changes().Split('\n', StringSplitOptions.RemoveEmptyEntries), line => line[2..].TrimEnd('/') == path && reason != HoldReason.Hidden);
    }

    [Theory]
    [InlineData("mkdir .git/objects/ab; echo x > .git/objects/ab/cd; echo x > .git/refs/heads/main; echo x > .git/HEAD; echo x > .git/index; echo x > .git/COMMIT_EDITMSG; echo x > .git/logs/HEAD; echo x > .git/MERGE_HEAD")]
    [InlineData("mkdir -p lib/.git/objects; echo x > lib/.git/HEAD")]
    [InlineData("ln -s f link; mkdir -p a/b; ln -s ../../f a/b/link; ln -s ./b a/here; ln -s .. a/b/up")]
    [InlineData("echo x > .gitignore; echo x > config; mkdir hooks; echo x > hooks/x; echo x > my.git")]
    [InlineData("rm -r plain; rm f")]
    public void Apply_EverydayWork_IsNotHeldBack(string work)
    {
        using var session = Begin().Agent(work);

        Assert.Empty(Held(session));
        session.Apply();
        Assert.Equal("", session.Changes());
    }

    [Fact]
    public void Apply_FolderAround_DoesNotNameWhatIsHeldInIt()
    {
        using var session = Begin().Agent("mkdir -p lib/.git/hooks; echo x > lib/.git/hooks/pre-commit; echo x > lib/code");

        session.Apply("lib");
        Assert.Equal("A lib/.git/hooks/\nA lib/.git/hooks/pre-commit", session.Changes());
        session.Apply("lib/.git/hooks");
        Assert.Equal("", session.Changes());
    }

    [Fact]
    public void Apply_RootNamed_IsNotEverythingHeld()
    {
        using var session = Begin().Agent("echo x > .git/config; echo x > gatehouse.yaml; echo 2 > f");
        session.Apply(".");

        Assert.Equal("M .git/config\nA gatehouse.yaml", session.Changes());
    }

    [Fact]
    public void Apply_PolicyOfAnyName_IsHeld()
    {
        using var session = new OverlaySession().WithHost("mkdir conf; echo 1 > conf/agents.yml").Begin().Agent("echo 2 > conf/agents.yml; rm -r conf; mkdir conf; echo 3 > conf/agents.yml");
        session.Record = session.Record with { Policy = Path.Combine(session.Host, "conf/agents.yml") };

        Assert.Equal(HoldReason.Policy, Assert.Single(Held(session)).Reason);
    }

    [Fact]
    public void Apply_FileInAHeldFolder_WaitsWithIt()
    {
        using var session = Begin().Agent("rm keys/readme; rmdir keys 2>/dev/null || true; rm -rf configured; echo x > configured");
        Assert.Contains(Held(session), held => held.Reason == HoldReason.HoldsProtected && held.Change.Path.ToString() == "configured");
    }

    [Fact]
    public void Explain_EveryReason_HasWords() =>
        Assert.All(Enum.GetValues<HoldReason>(), reason => Assert.NotEmpty(new HeldChange(new() { Path = RelativePath.Of("a"), Kind = 0, Type = 0 }, reason, RelativePath.Of("b")).Explain()));

    private static OverlaySession Begin() => new OverlaySession()
        .WithHost("echo 1 > f; mkdir -p .git/hooks .git/objects .git/refs/heads .git/logs; echo 1 > .git/config; echo 1 > .git/HEAD; echo 1 > .git/hooks/sample; mkdir -p nested/.git configured/x keys plain/sub; echo 1 > nested/.git/HEAD; echo 1 > configured/x/gatehouse.yaml; echo k > keys/.env; echo k > keys/readme; echo p > plain/sub/f")
        .Begin("**/.env");

    private static ImmutableArray<HeldChange> Held(OverlaySession session)
    {
        using var review = session.Review();
        return review.Plan(review.Changes(), []).Held;
    }
}
