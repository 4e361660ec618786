using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.Extensions.Options;

namespace Gatehouse.LogSink.Console.Data;

/// <summary>
/// The <c>gatehouse</c> command, for what the sink itself may not touch: a session's changes. Found through <c>GATEHOUSE_COMMAND</c>, else beside this build,
/// else on the path; run with an argument list, never by a shell, and for a bounded output.
/// </summary>
internal sealed class GatehouseCommand(IOptions<ConsoleOptions> options)
{
    /// <summary>Characters of one answer: more than a person reads in a page.</summary>
    private const int MostOutput = 512 * 1024;

    private readonly string _path = Find();
    private readonly ConcurrentDictionary<string, string> _acting = new(StringComparer.Ordinal);

    /// <summary>Whether it can stand among the arguments as a session's name, and as nothing else.</summary>
    public static bool IsSession(string name) => name is [not '-', ..] && name.Length <= 128 && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');

    /// <summary>What changes this session's files now, whoever began it: <c>apply</c>; null when nothing does.</summary>
    public string? Acting(string session) => _acting.GetValueOrDefault(session);

    /// <summary>Shows something.</summary>
    /// <param name="arguments">Of the command.</param>
    /// <param name="cancellationToken">Ends the command.</param>
    /// <param name="most">Characters of an answer; what is beyond them is read and dropped.</param>
    /// <returns>Exit code and both outputs; -1 when it could not be run.</returns>
    public async Task<CommandOutput> ShowAsync(IEnumerable<string> arguments, CancellationToken cancellationToken, int most = MostOutput)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(TimeSpan.FromSeconds(options.Value.CommandSeconds));
        var output = await RunAsync(arguments, most, timeout.Token);
        return output is not null ? output
            : new(-1, "", cancellationToken.IsCancellationRequested ? "given up" : $"it took more than {options.Value.CommandSeconds} seconds: run it in a terminal");
    }

    /// <summary>
    /// Changes files, to its end: it keeps a journal, but half a tree is of no use to anybody until somebody sees that it is half. One at a time for a session.
    /// </summary>
    /// <param name="action">apply, undo or discard.</param>
    /// <param name="session">Of whose files.</param>
    public async Task<CommandOutput> ActAsync(string action, string session)
    {
        if (!_acting.TryAdd(session, action))
            return new(-1, "", $"'{Acting(session)}' of this session still works: wait for its end");
        try
        {
            return (await RunAsync([action, session], MostOutput, CancellationToken.None))!;
        }
        finally
        {
            _acting.TryRemove(session, out _);
        }
    }

    // Null when it was cancelled.
    private async Task<CommandOutput?> RunAsync(IEnumerable<string> arguments, int most, CancellationToken cancellationToken)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(_path, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!;
            process.StandardInput.Close();
            try
            {
                var output = ReadAsync(process.StandardOutput, most, cancellationToken);
                var error = ReadAsync(process.StandardError, most, cancellationToken);
                await process.WaitForExitAsync(cancellationToken);
                return new(process.ExitCode, (await output).Text, (await error).Text, (await output).IsCut);
            }
            catch (OperationCanceledException)
            {
                process.Kill(entireProcessTree: true);
                return null;
            }
        }
        catch (Exception e) when (e is System.ComponentModel.Win32Exception or InvalidOperationException)
        {
            return new(-1, "", $"the command {_path} could not be run ({e.Message}): set GATEHOUSE_COMMAND to its path");
        }
    }

    private static async Task<(string Text, bool IsCut)> ReadAsync(StreamReader reader, int most, CancellationToken cancellationToken)
    {
        var buffer = new char[16 * 1024];
        var text = new System.Text.StringBuilder();
        var isCut = false;
        for (int read; (read = await reader.ReadAsync(buffer, cancellationToken)) > 0;)
        {
            // Read on to the end, or the command would wait for a reader.
            isCut |= read > most - text.Length;
            text.Append(buffer, 0, Math.Min(read, most - text.Length));
        }

        return (text.ToString(), isCut);
    }

    private static string Find()
    {
        if (Environment.GetEnvironmentVariable("GATEHOUSE_COMMAND") is { Length: > 0 } named)
            return named;
        // artifacts/bin/LogSink/<configuration>/ → artifacts/publish/AgentSandbox/release/
        var built = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "../../../publish/AgentSandbox/release/gatehouse"));
        return File.Exists(built) ? built : "gatehouse";
    }
}

/// <param name="Code">Of the program's exit.</param>
/// <param name="Output">Standard output.</param>
/// <param name="Error">Standard error.</param>
/// <param name="IsCut">The output is only the beginning of it.</param>
internal sealed record CommandOutput(int Code, string Output, string Error, bool IsCut = false)
{
    /// <summary>What to show a person: the output, or why there is none.</summary>
    public string Said => Code == 0 ? Output : string.Join('\n', new[] { Error, Output }.Where(text => text.Length > 0)).Trim();
}
