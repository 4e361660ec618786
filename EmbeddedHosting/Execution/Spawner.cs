using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Aspire.Hosting.Execution;

/// <summary>
/// Starts child processes that end with this one: setpriv(1) gives each a parent-death signal, which the kernel ties to the thread that made
/// it, so all are made by one thread that lives as long as the host.
/// </summary>
internal sealed partial class Spawner : IDisposable
{
    private static readonly string? s_setpriv = new[] { "/usr/bin/setpriv", "/bin/setpriv" }.FirstOrDefault(File.Exists);
    private readonly BlockingCollection<Action> _work = [];

    public Spawner() => new Thread(() =>
    {
        foreach (var start in _work.GetConsumingEnumerable())
            start();
    })
    { IsBackground = true, Name = "spawner" }.Start();

    public Task<Process> StartAsync(IReadOnlyList<string> command, IReadOnlyDictionary<string, string?> variables)
    {
        var started = new TaskCompletionSource<Process>(TaskCreationOptions.RunContinuationsAsynchronously);
        _work.Add(() =>
        {
            try
            {
                string[] line = s_setpriv is null ? [.. command] : [s_setpriv, "--pdeathsig", "TERM", "--", .. command];
                var start = new ProcessStartInfo(line[0]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
                foreach (var argument in line.Skip(1))
                    start.ArgumentList.Add(argument);
                foreach (var (name, value) in variables)
                    start.Environment[name] = value;
                var process = Process.Start(start)!;
                process.StandardInput.Close();
                started.SetResult(process);
            }
            catch (Exception e)
            {
                started.SetException(new InvalidOperationException($"{command[0]} could not be started: {e.Message}", e));
            }
        });
        return started.Task;
    }

    /// <summary>Asks it to end.</summary>
    public static void Terminate(Process process)
    {
        try
        {
            if (!process.HasExited)
                _ = kill(process.Id, 15);
        }
        catch (InvalidOperationException)
        {
            // Gone already.
        }
    }

    public void Dispose() => _work.CompleteAdding();

    [LibraryImport("libc")]
    private static partial int kill(int process, int signal);
}
