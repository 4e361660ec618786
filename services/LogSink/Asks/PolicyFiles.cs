using System.Text;
using Gatehouse.Gate.Policies;
using Gatehouse.LogSink.Console;
using Gatehouse.LogSink.Store;
using Gatehouse.Policy.Editing;

namespace Gatehouse.LogSink.Asks;

/// <summary>Writes "always" into the policy file of a session, whole or not at all. The gates see the change by themselves.</summary>
internal sealed class PolicyFiles(EventDatabase database)
{
    private static readonly UTF8Encoding s_utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    // Two answers at once must not lose one another's line.
    private readonly Lock _lock = new();

    /// <returns>Null when the rule is in the file, else what is wrong and what to do.</returns>
    public string? TryAllow(Ask ask)
    {
        lock (_lock)
        {
            try
            {
                return PathOf(ask.Session) is { } path ? Allow(path, ask.Host, ask.Port) : "the session has no policy file: answer for this session, or write one with 'gatehouse init'";
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or DecoderFallbackException)
            {
                return $"the policy file can not be changed ({e.Message}): answer for this session, and change it by hand";
            }
        }
    }

    /// <summary>What "always" would write.</summary>
    /// <returns>The file and the lines that would be new in it; or what is wrong and what to do.</returns>
    public RulePreview Preview(Ask ask)
    {
        try
        {
            if (Read(ask.Session) is not var (path, text))
                return new("", [], "the session has no policy file: answer for this session, or write one with 'gatehouse init'");
            var (after, error) = PolicyEditor.AddEgressRule(text, ask.Host, ask.Port);
            return after is null ? new(path, [], error) : new(path, [.. TextDiff.Compare(text, after).Where(line => line.Sign == '+').Select(line => line.Line)], null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or DecoderFallbackException)
        {
            return new("", [], $"the policy file can not be read ({e.Message}): answer for this session, and change it by hand");
        }
    }

    /// <returns>Path and content of a session's policy; null when it has none, or it is not there any more.</returns>
    /// <exception cref="IOException">It can not be read.</exception>
    public (string Path, string Text)? Read(string session) =>
        PathOf(session) is { } path && PolicyReplacement.Find(path) is { } file ? (path, s_utf8.GetString(File.ReadAllBytes(file.FullName))) : null;

    /// <summary>Replaces a session's policy by an edit of it.</summary>
    /// <returns>Null when the file has the new text, else what is wrong and what to do.</returns>
    public string? TryReplace(string session, string before, string after)
    {
        lock (_lock)
        {
            try
            {
                if (PathOf(session) is not { } path || PolicyReplacement.Find(path) is not { } file)
                    return "the policy file is not there any more";
                if (s_utf8.GetString(File.ReadAllBytes(file.FullName)) != before)
                    return "the file changed meanwhile: open it again, and edit what is there now";
                PolicyReplacement.Replace(file, s_utf8.GetBytes(after));
                return null;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or DecoderFallbackException or EncoderFallbackException)
            {
                return $"the policy file can not be changed: {e.Message}";
            }
        }
    }

    private static string? Allow(string path, string host, int port)
    {
        if (PolicyReplacement.Find(path) is not { } file)
            return $"{path} is not there, or too large";
        var before = File.ReadAllBytes(file.FullName);
        var (text, error) = PolicyEditor.AddEgressRule(s_utf8.GetString(before), host, port);
        if (text is null)
            return $"{path}: {error}";
        PolicyReplacement.Replace(file, s_utf8.GetBytes(text));
        return null;
    }

    private string? PathOf(string session)
    {
        using var connection = database.OpenReader();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT policy FROM sessions WHERE session = $session";
        command.Parameters.AddWithValue("$session", session);
        return command.ExecuteScalar() is string path && Path.IsPathFullyQualified(path) ? path : null;
    }
}

/// <param name="Path">The policy file.</param>
/// <param name="Lines">As they will stand in it; none when it allows the destination already.</param>
/// <param name="Problem">Why it can not be written.</param>
internal sealed record RulePreview(string Path, IReadOnlyList<string> Lines, string? Problem);
