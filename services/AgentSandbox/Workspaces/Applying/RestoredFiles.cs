using System.Text;
using System.Text.Json;
using Gatehouse.AgentSandbox.Workspaces.Files;

namespace Gatehouse.AgentSandbox.Workspaces.Applying;

/// <summary>
/// What undo put back: its inode was touched after the session began, by us. Without this note, applying again would take that for somebody's change.
/// </summary>
internal sealed class RestoredFiles
{
    private const int MaxBytes = 1 << 30;
    private static readonly FileName s_name = FileName.Of("restored.ndjson");

    private readonly Dictionary<RelativePath, RestoredFile> _files = [];

    /// <param name="folder">The workspace's part of the session.</param>
    public static RestoredFiles Load(Folder folder)
    {
        var restored = new RestoredFiles();
        using var file = folder.OpenFile(s_name);
        var content = file is null ? [] : FileContent.ReadAll(file, MaxBytes) ?? [];
        foreach (var line in Encoding.UTF8.GetString(content).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            try
            {
                if (JsonSerializer.Deserialize(line, JournalJson.Default.RestoredFile) is { } one)
                    restored._files[one.Path] = one;
            }
            catch (JsonException)
            {
                // A half line makes one conflict more, never one less.
            }
        }

        return restored;
    }

    public bool Holds(RelativePath path, FileStatus status) =>
        _files.TryGetValue(path, out var file) && file.Inode == status.Inode && file.Changed == status.Changed;

    public static void Add(Folder folder, RelativePath path, FileStatus status)
    {
        using var file = folder.OpenForAppending(s_name);
        var line = JsonSerializer.SerializeToUtf8Bytes(new RestoredFile(path, status.Inode, status.Changed), JournalJson.Default.RestoredFile);
        RandomAccess.Write(file, [.. line, (byte)'\n'], RandomAccess.GetLength(file));
    }
}
