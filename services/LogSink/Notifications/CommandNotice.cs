using System.Diagnostics;

namespace Gatehouse.LogSink.Notifications;

/// <summary>Runs the command with the JSON on its standard input, and ends it when its time is over.</summary>
internal static class CommandNotice
{
    /// <summary>What a desktop notifier or a mailer needs. The rest stays here: this process knows the installation's token.</summary>
    private static readonly string[] s_environment =
        ["PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR", "DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"];

    /// <returns>What went wrong, or null.</returns>
    public static async Task<string?> RunAsync(string[] command, byte[] body, TimeSpan within, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(command[0], command[1..])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = "/",
        };
        foreach (var name in start.Environment.Keys.Except(s_environment).ToList())
            start.Environment.Remove(name);
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(within);
        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            return e.Message;
        }

        using (process)
        {
            try
            {
                // What it says is nobody's to read, but must not stop it.
                var output = Task.WhenAll(
                    process.StandardOutput.BaseStream.CopyToAsync(Stream.Null, timeout.Token), process.StandardError.BaseStream.CopyToAsync(Stream.Null, timeout.Token));
                try
                {
                    await process.StandardInput.BaseStream.WriteAsync(body, timeout.Token);
                    process.StandardInput.Close();
                }
                catch (IOException)
                {
                    // It does not read: its own affair.
                }

                await process.WaitForExitAsync(timeout.Token);
                await output;
                return process.ExitCode == 0 ? null : $"the command ended with {process.ExitCode}";
            }
            catch (OperationCanceledException)
            {
                return End(process) is { } problem
                    ? $"the command did not end within {within.TotalSeconds} s, and can not be ended: {problem}"
                    : $"the command was ended after {within.TotalSeconds} s";
            }
        }
    }

    // What runs under another user (setuid) is not ours to end.
    private static string? End(Process process)
    {
        try
        {
            process.Kill(entireProcessTree: true);
            return null;
        }
        catch (Exception e) when (e is System.ComponentModel.Win32Exception or AggregateException or InvalidOperationException)
        {
            return e.Message;
        }
    }
}
