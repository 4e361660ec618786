using System.Diagnostics;
using Gatehouse.AgentSandbox.Composition;
using Gatehouse.AgentSandbox.Workspaces;
using Gatehouse.AgentSandbox.Workspaces.Changes;
using Gatehouse.AgentSandbox.Workspaces.Files;
using Gatehouse.AgentSandbox.Workspaces.Hiding;
using Gatehouse.AgentSandbox.Workspaces.Sessions;
using Gatehouse.TestKit;

namespace Gatehouse.AgentSandbox.Tests.Composition;

/// <summary>A host folder and the agent's copy of it, as a composition has them. Needs root, as a composition's helper has.</summary>
internal sealed class CopiedFolder : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly SessionRecord _record;

    /// <param name="script">Makes the host's folder, run in it by a shell.</param>
    /// <param name="hide">What is not copied.</param>
    public CopiedFolder(string script, params string[] hide)
    {
        Assert.True(Environment.IsPrivilegedProcess, "needs root: run ./test.sh");
        Host = Directory.CreateDirectory(_folder.File("host")).FullName;
        Copy = Directory.CreateDirectory(_folder.File("copy")).FullName;
        Run(Host, script);
        var store = new SessionStore(_folder.File("sessions"));
        const string id = "20260101-000000-test";
        var workspace = OverlayWorkspace.Create(store.WorkspaceFolder(id, 0), Host, "/workspace", HideRules.None).Record;
        _record = new()
        {
            Id = id,
            State = SessionState.Ended,
            Started = TimeProvider.System.GetUtcNow(),
            Command = ["true"],
            WorkingDirectory = Host,
            Hide = [.. hide],
            Workspaces = [workspace],
        };
        using var source = Folder.Open(Host);
        using var target = Folder.Open(Copy);
        var copy = new VisibleCopy(source, target, _record.HideRules(), 1000, 1000);
        copy.Run();
        Hidden = copy.Hidden;
    }

    public string Host { get; }

    public string Copy { get; }

    public int Hidden { get; }

    /// <summary>What the agent does in its copy.</summary>
    public void Agent(string script) => Run(Copy, script, "setpriv", "--reuid", "1000", "--regid", "1000", "--clear-groups", "--");

    /// <summary>Collected, then read as any session's changes are: kind and path, one a line.</summary>
    public string Changes()
    {
        CollectedChanges.Collect(_record, _record.Workspaces[0], Copy);
        using var review = OverlayReview.Open(_record, _record.Workspaces[0]);
        return string.Join('\n', review.Changes().Select(change => $"{Letter(change)} {change.Path}{(change.IsHidden ? " (hidden)" : "")}"));
    }

    /// <summary>Collected and applied to the host's folder.</summary>
    public void Apply()
    {
        CollectedChanges.Collect(_record, _record.Workspaces[0], Copy);
        using var review = OverlayReview.Open(_record, _record.Workspaces[0]);
        review.Apply(review.Plan(review.Changes(), []), force: false);
    }

    public static string Out(string folder, string script) => Run(folder, script);

    public void Dispose() => _folder.Dispose();

    private static char Letter(Change change) => change.Kind switch { ChangeKind.Added => 'A', ChangeKind.Deleted => 'D', ChangeKind.TypeChanged => 'T', _ => change.ContentChanged ? 'M' : 'm' };

    private static string Run(string folder, string script, params string[] prefix)
    {
        string[] command = [.. prefix, "bash", "-euc", script];
        using var process = Process.Start(new ProcessStartInfo(command[0], command[1..]) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true })!;
        var output = process.StandardOutput.ReadToEnd();
        var error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, error);
        return output.Trim();
    }
}
