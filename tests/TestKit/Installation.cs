using System.Diagnostics;
using System.Globalization;

namespace Gatehouse.TestKit;

/// <summary>
/// Gatehouse as a person has it: the built command and services, run and state directories and a home of one's own, as root or as an unprivileged
/// user. Services are started on first use and stopped on dispose; nothing is left behind.
/// </summary>
public sealed class Installation : IAsyncDisposable
{
    private readonly string _root;

    private Installation(string root, uint uid) => (_root, Uid) = (root, uid);

    /// <summary>The unprivileged user that tests run as when they are root: an id that nobody has.</summary>
    public const uint SomebodyElse = 1_900_002_000;

    public uint Uid { get; }

    public string Home => Path.Combine(_root, "home");

    public string RunDirectory => Path.Combine(_root, "run");

    public string StateDirectory => Path.Combine(_root, "state");

    /// <summary>Set for every command; not for the agent, unless a policy says so.</summary>
    public Dictionary<string, string> Environment { get; } = [];

    /// <summary>Makes one for the user that the tests run as, or, as root, for an unprivileged one.</summary>
    public static Installation Create(bool unprivileged)
    {
        var isRoot = System.Environment.UserName == "root";
        if (!isRoot && !unprivileged)
            throw new InvalidOperationException("the tests of root's enclosures need root: run ./test.sh as root");
        var root = Path.Combine(Path.GetTempPath(), "gh-" + Guid.NewGuid().ToString("N")[..10]);
        Directory.CreateDirectory(root, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        var installation = new Installation(root, isRoot && unprivileged ? SomebodyElse : 0);
        CopyBuild(Path.Combine(root, "bin"));
        foreach (var folder in new[] { installation.Home, installation.RunDirectory, installation.StateDirectory })
            Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        if (installation.Uid != 0)
            Shell("chown", "-R", $"{installation.Uid}:{installation.Uid}", installation.Home, installation.RunDirectory, installation.StateDirectory);
        return installation;
    }

    /// <summary>A folder in the home, owned by the user, with these files.</summary>
    public string Folder(string name, params (string Path, string Content)[] files)
    {
        var folder = Path.Combine(Home, name);
        Directory.CreateDirectory(folder);
        foreach (var (path, content) in files)
        {
            var file = Path.Combine(folder, path);
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, content);
        }

        if (Uid != 0)
            Shell("chown", "-R", $"{Uid}:{Uid}", folder);
        return folder;
    }

    /// <summary><c>gatehouse ARGUMENTS</c> in a folder, with its output.</summary>
    public async Task<CommandResult> RunAsync(string folder, IEnumerable<string> arguments, string? input = null, TimeSpan? within = null)
    {
        using var process = Start(folder, arguments);
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        if (input is not null)
            await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        using var timeout = new CancellationTokenSource(within ?? TimeSpan.FromSeconds(90));
        try
        {
            await process.WaitForExitAsync(timeout.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"gatehouse {string.Join(' ', arguments)} took too long; so far: {await output} {await error}");
        }

        return new(process.ExitCode, await output, await error);
    }

    /// <summary>Runs a script of bash in an enclosure.</summary>
    public Task<CommandResult> ScriptAsync(string folder, string script, string? input = null) => RunAsync(folder, ["run", "--", "bash", "-c", script], input);

    /// <summary>The command itself.</summary>
    public string Command => Path.Combine(_root, "bin/publish/AgentSandbox/release/gatehouse");

    /// <summary>Starts a command and leaves it to the caller.</summary>
    public Process Start(string folder, IEnumerable<string> arguments) => StartProgram(folder, [Command, .. arguments]);

    /// <summary>Likewise, on a terminal of its own (script(1)): what is written to standard input is typed.</summary>
    /// <param name="folder">Where.</param>
    /// <param name="setUp">Shell command before it, such as <c>stty</c>.</param>
    /// <param name="arguments">Without quotes in them.</param>
    public Process StartOnTerminal(string folder, string setUp, IEnumerable<string> arguments)
    {
        var words = arguments.Prepend(Command).Select(word => $"'{word}'");
        // A shell has what it starts in the background ignore these, and all that comes of it.
        return StartProgram(folder, ["/usr/bin/env", "--default-signal=INT,QUIT", "/usr/bin/script", "-qec", $"{setUp}; exec {string.Join(' ', words)}", "/dev/null"]);
    }

    /// <summary>Starts any program as the user, with the environment of a command of Gatehouse.</summary>
    public Process StartProgram(string folder, List<string> command)
    {
        if (Uid != 0)
            command = ["/usr/bin/setpriv", $"--reuid={Uid}", $"--regid={Uid}", "--clear-groups", "--", .. command];
        var start = new ProcessStartInfo(command[0]) { WorkingDirectory = folder, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in command.Skip(1))
            start.ArgumentList.Add(argument);
        start.Environment.Clear();
        foreach (var (name, value) in new[]
        {
            ("PATH", "/usr/local/bin:/usr/bin:/bin"), ("HOME", Home), ("GATEHOUSE_RUN", RunDirectory), ("GATEHOUSE_STATE", StateDirectory),
            ("DOTNET_NOLOGO", "1"), ("DOTNET_EnableDiagnostics", "0"), ("CALLERS_OWN_SECRET", "must-not-be-seen"), ("SSH_AUTH_SOCK", "/tmp/agent.sock"),
        }.Concat(Environment.Select(variable => (variable.Key, variable.Value))))
        {
            start.Environment[name] = value;
        }

        return Process.Start(start)!;
    }

    public async ValueTask DisposeAsync()
    {
        await RunAsync("/", ["down"]);
        for (var i = 0; Directory.Exists(_root); i++)
        {
            try
            {
                Directory.Delete(_root, recursive: true);
            }
            catch (IOException) when (i < 50)
            {
                // A killed launcher's keeper may still be letting go of the session's folder.
                await Task.Delay(100);
            }
        }
    }

    /// <summary>Process ids in the host file, by resource.</summary>
    public Dictionary<string, int> ServiceIds()
    {
        using var host = System.Text.Json.JsonDocument.Parse(File.ReadAllText(Path.Combine(RunDirectory, "host.json")));
        return host.RootElement.GetProperty("resources").EnumerateArray().Where(resource => resource.TryGetProperty("pid", out _))
            .ToDictionary(resource => resource.GetProperty("name").GetString()!, resource => resource.GetProperty("pid").GetInt32());
    }

    // The checkout may be where only root can go.
    private static void CopyBuild(string to)
    {
        var artifacts = FindArtifacts();
        foreach (var part in new[] { "publish/AgentSandbox/release", "publish/EnclosureInit/release", "bin/AppHost/release", "bin/LogSink/release", "bin/DnsResolver/release", "bin/EgressProxy/release", "bin/SecretsGateway/release" })
        {
            if (!Directory.Exists(Path.Combine(artifacts, part)))
                throw new InvalidOperationException($"artifacts/{part} is not built: run ./test.sh, or './gatehouse --version' once");
            Directory.CreateDirectory(Path.Combine(to, part));
            Shell("cp", "-r", Path.Combine(artifacts, part) + "/.", Path.Combine(to, part));
        }

        Shell("chmod", "-R", "a+rX", to);
    }

    private static string FindArtifacts()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (folder.Name == "artifacts")
                return folder.FullName;
        }

        throw new InvalidOperationException("the tests do not run from a build's artifacts folder");
    }

    private static void Shell(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments))!;
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}");
    }
}

/// <summary>How a command ended.</summary>
public sealed record CommandResult(int ExitCode, string Output, string Error)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"exit code {ExitCode}\n--- output\n{Output}\n--- error\n{Error}");
}
