using System.Diagnostics;
using System.Text;
using Gatehouse.AgentSandbox.Enclosure;
using Gatehouse.AgentSandbox.Native;
using Gatehouse.AgentSandbox.Workspaces.Files;

namespace Gatehouse.AgentSandbox.Workspaces.Worktrees;

/// <summary>
/// The host's git, kept from running anything: only plumbing that knows no hook, filter or text conversion; every setting that names a program is
/// overruled; no user's or system's configuration, no network, an environment of our own. The agent's files reach it as bytes on a pipe.
/// </summary>
internal sealed class GitCommand
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(5);
    private static readonly string[] s_programs = ["/usr/bin", "/bin", "/usr/local/bin", "/run/current-system/sw/bin"];

    private static readonly string[] s_settings =
    [
        "core.hooksPath=/dev/null", "core.fsmonitor=false", "core.attributesFile=/dev/null", "core.excludesFile=/dev/null", "core.sshCommand=false",
        "core.gitProxy=", "core.askPass=", "core.editor=false", "core.pager=cat", "credential.helper=", "commit.gpgSign=false", "gc.auto=0",
        "maintenance.auto=false", "protocol.allow=never", "core.untrackedCache=false",
        // It asks who owns the folder because of what its configuration could run; that is what the lines above prevent.
        "safe.directory=*",
    ];

    private readonly Owner? _owner;

    /// <param name="directory">Absolute path of the common git directory.</param>
    public GitCommand(string directory)
    {
        GitDirectory = directory;
        _owner = RunAs(directory);
    }

    public string GitDirectory { get; }

    /// <summary>The repository that a folder is in.</summary>
    /// <exception cref="WorkspaceException">It is in none, or there is no commit.</exception>
    public static (GitCommand Repository, string Prefix, string Head) Discover(string host)
    {
        var found = Run(RunAs(host), host, ["rev-parse", "--path-format=absolute", "--git-common-dir", "--show-prefix"]);
        if (found.Code != 0 || Encoding.UTF8.GetString(found.Output).Split('\n') is not [var directory, var prefix, ..] || directory.Length == 0)
            throw new WorkspaceException($"{host} is not in the working tree of a git repository, which 'mode: worktree' needs: run 'git init' and commit, or write 'mode: overlay'");
        var head = Run(RunAs(host), host, ["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]);
        if (head.Code != 0)
            throw new WorkspaceException($"the repository of {host} has no commit to start from: make a first one, or write 'mode: overlay'");
        return (new(directory), prefix.TrimEnd('/'), Encoding.ASCII.GetString(head.Output).Trim());
    }

    /// <returns>What it printed.</returns>
    /// <exception cref="WorkspaceException">It failed.</exception>
    public byte[] Run(params string[] arguments)
    {
        var (code, output, error) = Run(_owner, "/", [$"--git-dir={GitDirectory}", .. arguments]);
        return code == 0 ? output : throw Failed(arguments[0], error);
    }

    /// <returns>Whether it succeeded.</returns>
    public bool TryRun(params string[] arguments) => Run(_owner, "/", [$"--git-dir={GitDirectory}", .. arguments]).Code == 0;

    /// <summary>Starts it with its input and output as pipes.</summary>
    /// <param name="workTree">A folder to take for the working tree; then it runs as us, as only we may enter it. Null for none.</param>
    /// <param name="arguments">Command and options.</param>
    public Process Start(string? workTree, params string[] arguments) => workTree is null
        ? Start(_owner, "/", [$"--git-dir={GitDirectory}", .. arguments])
        : Start(null, workTree, [$"--git-dir={GitDirectory}", $"--work-tree={workTree}", .. arguments]);

    /// <summary>Waits for the end of what <see cref="Start(string?, string[])"/> gave, whose output was read.</summary>
    public static void Finish(Process process, string command)
    {
        if (!process.WaitForExit(s_patience))
        {
            process.Kill();
            throw new WorkspaceException($"git {command} takes more than {s_patience.TotalMinutes} minutes");
        }

        if (process.ExitCode != 0)
            throw Failed(command, process.StandardError.ReadToEnd());
    }

    private static (int Code, byte[] Output, string Error) Run(Owner? owner, string folder, IEnumerable<string> arguments)
    {
        using var process = Start(owner, folder, arguments);
        process.StandardInput.Close();
        var error = process.StandardError.ReadToEndAsync();
        using var output = new MemoryStream();
        process.StandardOutput.BaseStream.CopyTo(output);
        if (!process.WaitForExit(s_patience))
        {
            process.Kill();
            throw new WorkspaceException($"git takes more than {s_patience.TotalMinutes} minutes");
        }

        return (process.ExitCode, output.ToArray(), error.GetAwaiter().GetResult());
    }

    private static Process Start(Owner? owner, string folder, IEnumerable<string> arguments)
    {
        var git = Find("git");
        var start = new ProcessStartInfo(owner is null ? git : Find("setpriv"))
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // What root writes into somebody's repository, that person could not change any more.
        if (owner is { } who)
        {
            foreach (var argument in new[] { $"--reuid={who.Uid}", $"--regid={who.Gid}", "--clear-groups", "--", git })
                start.ArgumentList.Add(argument);
        }

        start.ArgumentList.Add("--no-pager");
        start.ArgumentList.Add("--no-replace-objects");
        foreach (var setting in s_settings)
        {
            start.ArgumentList.Add("-c");
            start.ArgumentList.Add(setting);
        }

        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        start.Environment.Clear();
        foreach (var (name, value) in s_environment)
            start.Environment[name] = value;
        return Process.Start(start)!;
    }

    private static readonly (string Name, string Value)[] s_environment =
    [
        ("PATH", "/usr/bin:/bin:/usr/local/bin"), ("HOME", "/nonexistent"), ("LC_ALL", "C"), ("GIT_CONFIG_NOSYSTEM", "1"), ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_ATTR_NOSYSTEM", "1"), ("GIT_TERMINAL_PROMPT", "0"), ("GIT_OPTIONAL_LOCKS", "0"), ("GIT_NO_LAZY_FETCH", "1"), ("GIT_FLUSH", "1"),
    ];

    private static Owner? RunAs(string path)
    {
        if (FileCalls.geteuid() != 0)
            return null;
        var owner = FileOwner.Of(path);
        return owner.Uid == 0 ? null : owner;
    }

    private static string Find(string program) => s_programs.Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists)
        ?? throw new WorkspaceException($"{program} is not installed, and 'mode: worktree' needs it: install it, or write 'mode: overlay'");

    private static WorkspaceException Failed(string command, string error) =>
        new($"git {command} failed: {SafeText.Escape(Encoding.UTF8.GetBytes(error.Trim().ReplaceLineEndings("; ")))}");
}
