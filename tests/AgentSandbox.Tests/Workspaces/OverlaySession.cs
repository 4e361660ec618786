using System.Collections.Immutable;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using Gatehouse.AgentSandbox.Workspaces;
using Gatehouse.AgentSandbox.Workspaces.Changes;
using Gatehouse.AgentSandbox.Workspaces.Files;
using Gatehouse.AgentSandbox.Workspaces.Hiding;
using Gatehouse.AgentSandbox.Workspaces.Sessions;

namespace Gatehouse.AgentSandbox.Tests.Workspaces;

/// <summary>A host folder and a session on it, with real overlay mounts in a user and mount namespace of their own; works as root and as anybody.</summary>
internal sealed partial class OverlaySession : IDisposable
{
    private readonly string _root;
    private readonly string _host;

    /// <param name="hostBelow">Where to make the host's folder; the session's own is below /tmp.</param>
    public OverlaySession(string hostBelow = "/tmp")
    {
        var name = "gatehouse-workspaces-" + Guid.NewGuid().ToString("N");
        _root = Path.Combine("/tmp", name);
        _host = Path.Combine(hostBelow, name);
        Directory.CreateDirectory(_root);
        Directory.CreateDirectory(Host);
        Store = new(Path.Combine(_root, "state", "sessions"));
        Environment = ["PATH=/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL=C"];
    }

    public string Host => Path.Combine(_host, "host");

    public string Outside => Path.Combine(_root, "outside");

    public SessionStore Store { get; }

    public SessionRecord Record { get; set; } = null!;

    public WorkspaceRecord Workspace => Record.Workspaces[0];

    public string Upper => Path.Combine(Workspace.Folder, OverlayWorkspace.Upper);

    private ImmutableArray<string> Environment { get; }

    /// <summary>Prepares the host's folder with a shell script, run in it.</summary>
    public OverlaySession WithHost(string script) => Guarded(() => Shell(Host, script));

    /// <summary>Begins the session: everything on the host is older than it.</summary>
    public OverlaySession Begin(params string[] hide) => Guarded(() =>
    {
        // The kernel stamps files with a clock that ticks every few milliseconds.
        WaitForTick();
        const string id = "20260101-000000-test";
        var folder = Store.WorkspaceFolder(id, 0);
        var (workspace, hasMask) = OverlayWorkspace.Create(folder, Host, "/workspace", HideRules.Parse(hide));
        HasMask = hasMask;
        Record = new()
        {
            Id = id,
            State = SessionState.Ended,
            Started = TimeProvider.System.GetUtcNow(),
            Command = ["true"],
            WorkingDirectory = Host,
            Hide = [.. hide],
            Workspaces = [workspace],
        };
        Store.Save(Record);
        WaitForTick();
    });

    public bool HasMask { get; private set; }

    /// <summary>Runs a script as the agent would: in the merged folder, which is gone afterwards.</summary>
    public OverlaySession Agent(string script) => Guarded(() =>
    {
        var merged = Path.Combine(_root, "merged");
        Directory.CreateDirectory(merged);
        var lower = HasMask ? $"{Workspace.Folder}/mask:{Host}" : Host;
        var options = $"lowerdir={lower},upperdir={Upper},workdir={Workspace.Folder}/work,userxattr";
        var result = Execute("/", "unshare", "--user", "--map-root-user", "--mount", "bash", "-euc", $"mount -t overlay overlay -o {options} {merged}; cd {merged}; {script}");
        Assert.True(result.Code == 0, result.Error);
    });

    public string AgentOutput(string script)
    {
        Agent($"{{ {script}\n}} > {_root}/output");
        return File.ReadAllText(Path.Combine(_root, "output"));
    }

    public OverlayReview Review() => OverlayReview.Open(Record, Workspace);

    /// <summary>As <c>A path</c>, <c>M path</c>, … one a line, with <c>m</c> for a mode alone.</summary>
    public string Changes()
    {
        using var review = Review();
        return string.Join('\n', review.Changes().Select(Line));
    }

    public ImmutableArray<AppliedStep> Apply(params string[] named) => Apply(force: false, named);

    public ImmutableArray<AppliedStep> Apply(bool force, params string[] named)
    {
        using var review = Review();
        return review.Apply(review.Plan(review.Changes(), [.. named.Select(RelativePath.Of)]), force);
    }

    public static string Line(Change change)
    {
        var letter = change.Kind switch { ChangeKind.Added => "A", ChangeKind.Deleted => "D", ChangeKind.TypeChanged => "T", _ => change.ContentChanged ? "M" : "m" };
        return $"{letter} {change.Path}{(change.Type == FileType.Folder ? "/" : "")}";
    }

    /// <summary>Every path of the host's folder with type, mode and content.</summary>
    public string HostTree() => Shell(Host, """find . -mindepth 1 -printf '%P %y %m %l\n' | sort; find . -type f -exec sha256sum {} + | sort""");

    public string Read(string path) => File.ReadAllText(Path.Combine(Host, path));

    public string Shell(string folder, string script)
    {
        var result = Execute(folder, "bash", "-euc", script);
        Assert.True(result.Code == 0, result.Error);
        return result.Output;
    }

    public static void WaitForTick()
    {
        using var tick = new ManualResetEventSlim();
        tick.Wait(TimeSpan.FromMilliseconds(25));
    }

    /// <summary>Sets an attribute in the upper layer, as nobody but the kernel's overlay should.</summary>
    public unsafe void Mark(string path, string name, string value)
    {
        fixed (byte* at = Encoding.UTF8.GetBytes(Path.Combine(Upper, path) + '\0'), attribute = Encoding.UTF8.GetBytes(name + '\0'), data = Encoding.UTF8.GetBytes(value + '\0'))
            Assert.Equal(0, setxattr(at, attribute, data, (nuint)value.Length, 0));
    }

    public void Dispose()
    {
        foreach (var path in new[] { _root, _host })
        {
            using var parent = Folder.Open(Path.GetDirectoryName(path)!);
            FileTree.Remove(parent, FileName.Of(Path.GetFileName(path)));
        }
    }

    // Called in the middle of a "using" declaration, which disposes only what it was given.
    private OverlaySession Guarded(Action act)
    {
        try
        {
            act();
            return this;
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    [LibraryImport("libc")]
    private static unsafe partial int setxattr(byte* path, byte* name, byte* value, nuint size, int flags);

    private (int Code, string Output, string Error) Execute(string folder, string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = folder, StandardOutputEncoding = Encoding.UTF8 };
        start.Environment.Clear();
        foreach (var variable in Environment)
            start.Environment[variable[..variable.IndexOf('=', StringComparison.Ordinal)]] = variable[(variable.IndexOf('=', StringComparison.Ordinal) + 1)..];
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        Assert.True(process.WaitForExit(TimeSpan.FromSeconds(60)), "the script takes too long");
        return (process.ExitCode, output, error.GetAwaiter().GetResult());
    }
}
