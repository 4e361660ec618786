using Gatehouse.Gate.Policies;
using Gatehouse.TestKit;

namespace Gatehouse.Gate.Tests.Policies;

public sealed class PolicyReplacementTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private string Policy => _folder.File("gatehouse.yaml");

    [Fact]
    public void TryReplace_WhatWasRead_KeepsModeAndLink_AndLeavesNothing()
    {
        File.WriteAllBytes(Policy, "before"u8);
        File.SetUnixFileMode(Policy, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var link = _folder.File("link.yaml");
        File.CreateSymbolicLink(link, Policy);

        Assert.Null(PolicyReplacement.TryReplace(link, "before"u8, "after"u8));

        Assert.Equal("after", File.ReadAllText(Policy));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Policy));
        Assert.Equal(Policy, File.ResolveLinkTarget(link, returnFinalTarget: true)!.FullName);
        Assert.Equal(2, Directory.GetFileSystemEntries(Path.GetDirectoryName(Policy)!).Length);
    }

    [Fact]
    public void TryReplace_WhatSomebodyWroteSince_IsLeft()
    {
        File.WriteAllBytes(Policy, "of somebody else"u8);
        Assert.Contains("changed meanwhile", PolicyReplacement.TryReplace(Policy, "before"u8, "after"u8), StringComparison.Ordinal);
        Assert.Equal("of somebody else", File.ReadAllText(Policy));
        Assert.Single(Directory.GetFileSystemEntries(Path.GetDirectoryName(Policy)!));
    }

    [Fact]
    public void TryReplace_WhatIsGone_SaysSo() =>
        Assert.Contains("not there", PolicyReplacement.TryReplace(Policy, "before"u8, "after"u8), StringComparison.Ordinal);
}
