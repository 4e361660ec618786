using System.Diagnostics;
using System.Text;
using Gatehouse.TestKit;

namespace Gatehouse.Topology.Tests;

/// <summary>A command on a terminal of its own, with what it has written so far.</summary>
internal sealed class Watched : IDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly Task _reading;

    private Watched(Process process)
    {
        _process = process;
        _reading = ReadAsync();
    }

    /// <summary>Likewise, as a job of a shell: <c>stopped</c> is said when it is, and it goes on after a line is typed.</summary>
    public static Watched StartAsJob(Installation installation, string folder, params string[] arguments) => new(installation.StartOnTerminal(
        folder, $"stty rows 30 cols 120 -echo; set -m; '{installation.Command}' {string.Join(' ', arguments)}; echo stopped; read line; fg", ["--version"]));

    public static Watched Start(Installation installation, string folder, params string[] arguments) =>
        new(installation.StartOnTerminal(folder, "stty rows 30 cols 120 -echo", arguments));

    public string Output
    {
        get
        {
            lock (_output)
                return _output.ToString();
        }
    }

    public int Length => Output.Length;

    /// <summary>Waits until a text is there, behind <paramref name="after"/> characters.</summary>
    public Task ExpectAsync(string text, int after = 0) => Eventually.TrueAsync(() => Output.IndexOf(text, after, StringComparison.Ordinal) >= 0, what: $"'{text}' in {Output}");

    public async Task TypeAsync(string keys)
    {
        await _process.StandardInput.WriteAsync(keys);
        await _process.StandardInput.FlushAsync();
    }

    public async Task<int> EndAsync()
    {
        await _process.WaitForExitAsync(new CancellationTokenSource(Eventually.Bound).Token);
        await _reading;
        return _process.ExitCode;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        _process.Dispose();
    }

    private async Task ReadAsync()
    {
        var buffer = new char[4096];
        for (int read; (read = await _process.StandardOutput.ReadAsync(buffer)) > 0;)
        {
            lock (_output)
                _output.Append(buffer, 0, read);
        }
    }
}
