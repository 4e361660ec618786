using Gatehouse.TestKit;

namespace Gatehouse.Gate.Tests.Directories;

public sealed class DirectoryTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Directory_Missing_IsMadeForThisUserAlone()
    {
        var path = RunDirectory.Open(_folder.File("a/b/run")).Path;
        Assert.Equal((UnixFileMode)0b111_000_000, File.GetUnixFileMode(path));
        Assert.Equal((UnixFileMode)0b111_000_000, File.GetUnixFileMode(Path.GetDirectoryName(path)!));
        Assert.Equal(path, RunDirectory.Open(path + "/").Path);
    }

    [Fact]
    public void Owner_NamedForRoot_IsRootsWordAlone()
    {
        Assert.True(Environment.IsPrivilegedProcess, "needs root: run ./test.sh");
        Assert.Equal(1654u, RunDirectory.FindOwner(name => name == "GATEHOUSE_RUN_OWNER" ? "1654" : null));
        Assert.Equal(0u, RunDirectory.FindOwner(_ => null));
        var error = Assert.Throws<IOException>(() => RunDirectory.FindOwner(_ => "me"));
        Assert.Contains("user id", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Directory_ThatIsALink_IsRefused()
    {
        Directory.CreateSymbolicLink(_folder.File("run"), _folder.Path);
        AssertRefused("run", "symbolic link");
    }

    [Fact]
    public void Directory_ThatIsALinkToNowhere_IsRefused()
    {
        Directory.CreateSymbolicLink(_folder.File("run"), "/nonexistent");
        AssertRefused("run", "symbolic link");
    }

    [Fact]
    public void Directory_ThatIsAFile_IsRefused()
    {
        _folder.Write("run", "");
        AssertRefused("run", "is not a directory");
    }

    [Theory]
    [InlineData(0b111_000_001)]
    [InlineData(0b111_010_000)]
    [InlineData(0b111_100_000)]
    public void Directory_OpenToOthers_IsRefusedWithTheCommandThatHelps(int mode)
    {
        Directory.CreateDirectory(_folder.File("run"));
        File.SetUnixFileMode(_folder.File("run"), (UnixFileMode)mode);
        AssertRefused("run", "chmod 700");
    }

    [Fact]
    public void Directory_OfAnotherUser_IsRefused()
    {
        Assert.True(Environment.IsPrivilegedProcess, "needs root to make one: run ./test.sh");
        Directory.CreateDirectory(_folder.File("run"));
        using (var chown = System.Diagnostics.Process.Start("chown", ["65534", _folder.File("run")]))
            chown.WaitForExit();
        AssertRefused("run", "belongs to user 65534");
    }

    [Fact]
    public void Directory_Relative_IsRefused() =>
        Assert.Contains("absolute", Assert.Throws<IOException>(() => RunDirectory.Open("run")).Message, StringComparison.Ordinal);

    [Fact]
    public void Directory_TooLongForASocket_IsRefused()
    {
        var error = Assert.Throws<IOException>(() => RunDirectory.Open(_folder.File(new string('é', 60))));
        Assert.Contains("at most 107", error.Message, StringComparison.Ordinal);
        Assert.Contains("GATEHOUSE_RUN", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void RunDirectory_Chosen_FollowsTheEnvironment()
    {
        Assert.Equal("/x/y", RunDirectory.Find(Variables(("GATEHOUSE_RUN", "/x/y"), ("XDG_RUNTIME_DIR", _folder.Path))));
        Assert.Equal(_folder.File("gatehouse"), RunDirectory.Find(Variables(("XDG_RUNTIME_DIR", _folder.Path))));
        // As after sudo: the variable names a directory, but another user's or none.
        Assert.Contains(RunDirectory.Find(Variables(("XDG_RUNTIME_DIR", "/nonexistent"))), (string[])["/tmp/gatehouse-0", "/run/user/0/gatehouse"]);
    }

    [Fact]
    public void StateDirectory_Chosen_FollowsTheEnvironment()
    {
        Assert.Equal("/x/y", StateDirectory.Find(Variables(("GATEHOUSE_STATE", "/x/y"), ("XDG_STATE_HOME", "/z"))));
        Assert.Equal("/z/gatehouse", StateDirectory.Find(Variables(("XDG_STATE_HOME", "/z"))));
        Assert.EndsWith("/.local/state/gatehouse", StateDirectory.Find(Variables()), StringComparison.Ordinal);
    }

    private void AssertRefused(string name, string message) =>
        Assert.Contains(message, Assert.Throws<IOException>(() => RunDirectory.Open(_folder.File(name))).Message, StringComparison.Ordinal);

    private static Func<string, string?> Variables(params (string Name, string Value)[] variables) =>
        name => variables.FirstOrDefault(v => v.Name == name).Value;
}
