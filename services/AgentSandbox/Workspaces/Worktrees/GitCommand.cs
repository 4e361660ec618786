using System.Diagnostics;
using System.Text;

namespace Gatehouse.AgentSandbox.Workspaces.Worktrees;

/// <summary>
/// git, told where everything is and kept from running anything: no hooks, no filters, no fsmonitor, no signing, no configuration but the
/// repository's own, and an environment made from nothing.
/// </summary>
internal sealed class GitCommand
{
    private static readonly string[] s_inert =
    [
        "core.hooksPath=/dev/null", "core.fsmonitor=false", "core.attributesFile=/dev/null", "core.excludesFile=/dev/null", "commit.gpgSign=false", "gc.auto=0",
        "protocol.allow=never", "submodule.recurse=false", "core.sshCommand=false", "credential.helper=", "core.pager=cat", "core.untrackedCache=false",
        "core.splitIndex=false", "safe.directory=*", "advice.detachedHead=false", "core.symlinks=true", "core.autocrlf=false", "diff.external=",
    ];

    private readonly List<string> _options = [];

    /// <param name="gitDirectory">Absolute path of the repository.</param>
    /// <param name="workTree">Absolute path of the files, if the call has to do with any.</param>
    public GitCommand(string gitDirectory, string? workTree = null)
    {
        _options.Add("--git-dir=" + gitDirectory);
        if (workTree is not null)
            _options.Add("--work-tree=" + workTree);
        foreach (var setting in s_inert.Concat(InertFilters(gitDirectory)))
            _options.AddRange(["-c", setting]);
    }

    /// <summary>Index of its own; the repository's is the human's.</summary>
    public string? IndexFile { get; init; }

    /// <summary>The repository that <paramref name="folder"/> is in.</summary>
    /// <exception cref="WorkspaceException">It is in none, or git is not there.</exception>
    public static (string GitDirectory, string Prefix) Locate(string folder)
    {
        var output = Execute(["-C", folder, "-c", "safe.directory=*", "-c", "core.fsmonitor=false", "rev-parse", "--path-format=absolute", "--git-common-dir", "--show-prefix"], null, null, out var error, out var code);
        if (code != 0)
            throw new WorkspaceException($"{folder} can not be a worktree workspace ({error.Trim()}): use mode: overlay, or 'git init' and commit there");
        var lines = Encoding.UTF8.GetString(output).Split('\n');
        return (lines[0], lines.Length > 1 ? lines[1].TrimEnd('/') : "");
    }

    /// <exception cref="WorkspaceException">git says no.</exception>
    public byte[] Run(params string[] arguments) => Run(null, arguments);

    /// <param name="input">Writes to git's standard input.</param>
    /// <param name="arguments">Subcommand and what follows.</param>
    public byte[] Run(Action<Stream>? input, params string[] arguments)
    {
        var output = Execute([.. _options, .. arguments], IndexFile, input, out var error, out var code);
        return code == 0 ? output : throw new WorkspaceException($"git {arguments[0]} failed: {error.Trim()}");
    }

    public string Line(params string[] arguments) => Encoding.UTF8.GetString(Run(arguments)).Trim();

    // A file of the agent's can name any filter that the repository's configuration defines: each of them does nothing here.
    private static IEnumerable<string> InertFilters(string gitDirectory)
    {
        var output = Execute(["--git-dir=" + gitDirectory, "-c", "safe.directory=*", "config", "--includes", "--name-only", "--get-regexp", @"^(filter|diff|merge)\."], null, null, out _, out _);
        return Encoding.UTF8.GetString(output).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Where(name => name.LastIndexOf('.') > name.IndexOf('.', StringComparison.Ordinal))
            .Select(name => name[..name.LastIndexOf('.')]).Distinct()
            .SelectMany(name => name.StartsWith("filter.", StringComparison.Ordinal)
                ? new[] { $"{name}.clean=", $"{name}.smudge=", $"{name}.process=", $"{name}.required=false" }
                : [$"{name}.textconv=", $"{name}.command=", $"{name}.driver=false"]);
    }

    private static byte[] Execute(IEnumerable<string> arguments, string? index, Action<Stream>? input, out string error, out int code)
    {
        var start = new ProcessStartInfo("/usr/bin/git") { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        start.Environment.Clear();
        foreach (var (name, value) in new[]
        {
            ("PATH", "/usr/bin:/bin"), ("HOME", "/nonexistent"), ("LC_ALL", "C.UTF-8"), ("GIT_CONFIG_NOSYSTEM", "1"), ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_ATTR_NOSYSTEM", "1"), ("GIT_TERMINAL_PROMPT", "0"), ("GIT_OPTIONAL_LOCKS", "0"), ("GIT_AUTHOR_NAME", "agent"), ("GIT_AUTHOR_EMAIL", "agent@enclosure.invalid"),
            ("GIT_COMMITTER_NAME", "gatehouse"), ("GIT_COMMITTER_EMAIL", "gatehouse@enclosure.invalid"),
        })
        {
            start.Environment[name] = value;
        }

        if (index is not null)
            start.Environment["GIT_INDEX_FILE"] = index;
        try
        {
            using var process = Process.Start(start)!;
            var errors = process.StandardError.ReadToEndAsync();
            var feeding = Task.Run(() =>
            {
                using var stdin = process.StandardInput.BaseStream;
                input?.Invoke(stdin);
            });
            using var output = new MemoryStream();
            process.StandardOutput.BaseStream.CopyTo(output);
            process.WaitForExit();
            error = errors.GetAwaiter().GetResult();
            code = process.ExitCode;
            try
            {
                feeding.GetAwaiter().GetResult();
            }
            catch (IOException) when (code != 0)
            {
                // git ended before it had read everything; its own error is the one that tells why.
            }

            return output.ToArray();
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new WorkspaceException("git is not installed, and a worktree workspace needs it: apt-get install git", e);
        }
    }
}
