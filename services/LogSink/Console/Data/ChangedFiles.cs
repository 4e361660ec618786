using System.Text.Json;

namespace Gatehouse.LogSink.Console.Data;

/// <summary>What a session changed: the list, and one file's difference at a time, as the <c>gatehouse</c> command tells them. The agent chose the names and the content.</summary>
internal sealed class ChangedFiles(GatehouseCommand command)
{
    /// <summary>Files of a list; who changed more is reviewed in an editor.</summary>
    public const int MostFiles = 500;

    /// <summary>Lines and characters of one difference: some ten screens of text.</summary>
    public const int MostLines = 1_500, MostCharacters = 128 * 1024;

    public async Task<ChangeList> ListAsync(string session, CancellationToken cancellationToken)
    {
        var output = await command.ShowAsync(["changes", session, "--json"], cancellationToken);
        if (output.Code != 0)
            return new([], false, output.Said);
        var lines = output.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        // The last line of what was cut is half a line.
        var whole = output.IsCut ? lines.AsSpan(0, Math.Max(0, lines.Length - 1)) : lines;
        var files = new List<ChangedFile>();
        foreach (var line in whole[..Math.Min(whole.Length, MostFiles)])
        {
            if (Read(line) is not { } file)
                return new([], false, "the command did not answer as expected: is it of this version?");
            files.Add(file);
        }

        return new(files, output.IsCut || lines.Length > MostFiles, null);
    }

    public async Task<FileDiff> DiffAsync(string session, ChangedFile file, CancellationToken cancellationToken)
    {
        var output = await command.ShowAsync(["changes", session, file.Argument, "--diff"], cancellationToken, MostCharacters);
        if (output.Code != 0)
            return new([new("place", output.Said)], false);
        // The first line is that of the list.
        var lines = output.Output.TrimEnd('\n').Split('\n').Skip(1).ToList();
        if (lines.Count == 0)
            return new([new("place", "It is not changed any more.")], false);
        var shown = new List<DiffLine>();
        var inHunk = false;
        foreach (var line in lines.Take(MostLines))
        {
            inHunk |= line.StartsWith("@@", StringComparison.Ordinal);
            shown.Add(new(line is [var sign, ..] && inHunk ? sign switch { '+' => "added", '-' => "removed", '@' => "place", _ => "" } : "place", line));
        }

        return new(shown, output.IsCut || lines.Count > MostLines);
    }

    private static ChangedFile? Read(string line)
    {
        try
        {
            using var json = JsonDocument.Parse(line);
            var root = json.RootElement;
            if (root.TryGetProperty("container", out var container))
                return new("container:", container.GetString()!, Text("kind"), "", 0, 0);
            return new(Text("workspace"), Text("path"), Text("kind"), Text("type"), root.GetProperty("size").GetInt64(), root.GetProperty("oldSize").GetInt64());

            string Text(string name) => root.GetProperty(name).GetString()!;
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }
}

/// <param name="Files">In the command's order.</param>
/// <param name="IsCut">There are more.</param>
/// <param name="Problem">Why there is no list.</param>
internal sealed record ChangeList(List<ChangedFile> Files, bool IsCut, string? Problem);

/// <param name="Workspace">Absolute path, as the agent saw it; <c>container:</c> for what is not in a workspace.</param>
/// <param name="Path">Below it, with the command's escapes.</param>
/// <param name="Kind">added, modified, deleted, typeChanged</param>
/// <param name="Type">file, link, folder, …; empty when it is not known.</param>
/// <param name="Size">Bytes in the session.</param>
/// <param name="OldSize">Bytes on the host.</param>
internal sealed record ChangedFile(string Workspace, string Path, string Kind, string Type, long Size, long OldSize)
{
    /// <summary>Always absolute, so that no name is taken for an option.</summary>
    public string Argument => $"{Workspace}/{Path}";

    public bool HasDiff => Workspace.StartsWith('/') && Type is "file" or "link";

    public string Sizes => Type != "file" ? Type : Kind switch
    {
        "added" => Visible.Bytes(Size),
        "deleted" => Visible.Bytes(OldSize),
        _ => $"{Visible.Bytes(OldSize)} → {Visible.Bytes(Size)}",
    };
}

/// <param name="Lines">From the beginning.</param>
/// <param name="IsCut">There is more of it.</param>
internal sealed record FileDiff(List<DiffLine> Lines, bool IsCut);

/// <param name="Class">added, removed, place, or empty</param>
/// <param name="Text">With its sign.</param>
internal readonly record struct DiffLine(string Class, string Text);
