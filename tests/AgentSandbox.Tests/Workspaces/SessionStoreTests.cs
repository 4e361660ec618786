using Gatehouse.AgentSandbox.Workspaces;
using Gatehouse.AgentSandbox.Workspaces.Files;
using Gatehouse.AgentSandbox.Workspaces.Sessions;

namespace Gatehouse.AgentSandbox.Tests.Workspaces;

public sealed class SessionStoreTests
{
    [Fact]
    public void Save_ThenLoad_IsTheSameAndPrivate()
    {
        using var session = new OverlaySession().Begin("**/.env");

        var loaded = session.Store.Load(session.Record.Id)!;
        Assert.Equal(session.Record.Workspaces[0], loaded.Workspaces[0]);
        Assert.Equal(session.Record.Hide.AsEnumerable(), loaded.Hide.AsEnumerable());
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(session.Store.FolderOf(loaded.Id), SessionStore.FileName)));
        Assert.Equal((UnixFileMode)0x1c0, File.GetUnixFileMode(session.Store.FolderOf(loaded.Id)));
    }

    [Fact]
    public void List_IsNewestFirst_AndFindTakesAPrefix()
    {
        using var session = new OverlaySession().Begin();
        Add(session, "20260102-000000-aaaa", 2, SessionState.Ended);
        Add(session, "20260103-000000-bbbb", 3, SessionState.Applied);

        Assert.Equal(["20260103-000000-bbbb", "20260102-000000-aaaa"], session.Store.List().Where(each => each.Started.Year == 2090).Select(each => each.Id));
        Assert.Equal("20260102-000000-aaaa", session.Store.Find("20260102").Id);
        Assert.Equal("20260102-000000-aaaa", session.Store.Find(null).Id);
        Assert.Contains("several", Assert.Throws<WorkspaceException>(() => session.Store.Find("2026")).Message, StringComparison.Ordinal);
        Assert.Contains("no session", Assert.Throws<WorkspaceException>(() => session.Store.Find("1999")).Message, StringComparison.Ordinal);
        Assert.Throws<WorkspaceException>(() => session.Store.FolderOf("../etc"));
    }

    [Fact]
    public void Load_LauncherDied_IsEndedAndInterrupted()
    {
        using var session = new OverlaySession().Begin();
        session.Store.Save(session.Record with { State = SessionState.Running });

        using (session.Store.Lock(session.Record.Id))
        {
            Assert.Equal(SessionState.Running, session.Store.Load(session.Record.Id)!.State);
            Assert.Contains("still running", Assert.Throws<WorkspaceException>(() => session.Store.Lock(session.Record.Id)).Message, StringComparison.Ordinal);
        }

        var loaded = session.Store.Load(session.Record.Id)!;
        Assert.Equal((SessionState.Ended, true), (loaded.State, loaded.IsInterrupted));
    }

    [Fact]
    public void Load_DamagedRecord_SaysSo()
    {
        using var session = new OverlaySession().Begin();
        File.WriteAllText(Path.Combine(session.Store.FolderOf(session.Record.Id), SessionStore.FileName), "{");

        Assert.Contains("damaged", Assert.Throws<WorkspaceException>(() => session.Store.Load(session.Record.Id)).Message, StringComparison.Ordinal);
        Assert.Empty(session.Store.List());
    }

    [Theory]
    [InlineData("src/a", 0, "src/a")]
    [InlineData("./src/", 0, "src")]
    [InlineData(".", 0, ".")]
    [InlineData("/workspace/x", 0, "x")]
    [InlineData("/workspace", 0, ".")]
    public void Selection_EachWayOfWriting_IsOnePath(string text, int workspace, string path)
    {
        using var session = new OverlaySession().Begin();

        Assert.Equal(new PathSelection(workspace, RelativePath.Of(path)), PathSelection.Of(session.Record, text));
        Assert.Equal(RelativePath.Of("y"), PathSelection.Of(session.Record, session.Host + "/y").Path);
    }

    [Theory]
    [InlineData("../x")]
    [InlineData("a//b")]
    [InlineData("/elsewhere")]
    [InlineData("/workspace/../x")]
    [InlineData("")]
    [InlineData(@"a\q")]
    public void Selection_OutsideOrNonsense_IsRefused(string text)
    {
        using var session = new OverlaySession().Begin();

        Assert.Throws<WorkspaceException>(() => PathSelection.Of(session.Record, text));
    }

    private static void Add(OverlaySession session, string id, int day, SessionState state)
    {
        session.Store.WorkspaceFolder(id, 0);
        session.Store.Save(session.Record with { Id = id, State = state, Started = new(2090, 1, day, 0, 0, 0, TimeSpan.Zero) });
    }
}
