using System.Text.Json;
using Gatehouse.AgentSandbox.Launch;
using Gatehouse.AgentSandbox.Recording;
using Gatehouse.AgentSandbox.Workspaces;
using Gatehouse.AgentSandbox.Workspaces.Sessions;
using Gatehouse.Gate;

namespace Gatehouse.AgentSandbox.CommandLine;

/// <summary>Sessions as people name them: by the beginning.</summary>
internal static class SessionNames
{
    /// <summary>As many as are named where several begin alike.</summary>
    private const int MostNamed = 5;

    /// <summary>The whole name of a session that the record has, or that this machine knows.</summary>
    /// <param name="sink">The record.</param>
    /// <param name="typed">A name or the beginning of one; null for none.</param>
    /// <param name="cancelled">Ends it.</param>
    /// <returns>Null for null.</returns>
    /// <exception cref="LaunchException">There is none, or there are several: nothing would be shown of what was meant, and look like an answer.</exception>
    public static async Task<string?> FindAsync(LogSinkClient sink, string? typed, CancellationToken cancelled)
    {
        if (typed is null)
            return null;
        List<string> found = [];
        if (typed.Length > 0)
        {
            await foreach (var each in SessionsAsync(sink, "session", typed, 1, cancelled))
                return each;
            await foreach (var each in SessionsAsync(sink, "prefix", typed, MostNamed + 1, cancelled))
                found.Add(each);
        }

        return found switch
        {
            [var one] => one,
            [] => Known(typed),
            _ => throw new LaunchException(ExitCodes.Usage, Printable.Line(
                $"several sessions begin with {typed} ({string.Join(", ", found.Take(MostNamed))}{(found.Count > MostNamed ? ", …" : "")}): write more of it")),
        };
    }

    public static SessionStore Store() => new(Path.Combine(StateDirectory.Open().Path, "sessions"));

    // One that began while no sink ran is not in the record yet.
    private static string Known(string typed)
    {
        try
        {
            return Store().Find(typed).Id;
        }
        catch (WorkspaceException e)
        {
            throw new LaunchException(ExitCodes.Usage, e.Message, e);
        }
    }

    private static async IAsyncEnumerable<string> SessionsAsync(
        LogSinkClient sink, string parameter, string value, int limit, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancelled)
    {
        await foreach (var line in sink.ReadLinesAsync($"/sessions?{parameter}={Uri.EscapeDataString(value)}&limit={limit}", cancelled))
        {
            using var document = JsonDocument.Parse(line);
            yield return document.RootElement.Text("session");
        }
    }
}
