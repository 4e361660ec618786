namespace Gatehouse.AgentSandbox.Workspaces.Files;

/// <param name="Name">One component.</param>
/// <param name="Type">As the directory says; null when it does not.</param>
internal readonly record struct FolderEntry(FileName Name, FileType? Type)
{
    /// <summary>Reads what getdents64(2) wrote: ino(8), off(8), reclen(2), type(1), name, NUL, padding.</summary>
    internal static void ReadAll(ReadOnlySpan<byte> buffer, List<FolderEntry> entries)
    {
        while (!buffer.IsEmpty)
        {
            var length = BitConverter.ToUInt16(buffer[16..]);
            var name = buffer[19..length];
            name = name[..name.IndexOf((byte)0)];
            if (FileName.IsValid(name))
                entries.Add(new(FileName.Of(name), buffer[18] switch { 0 => null, 4 => FileType.Folder, 8 => FileType.File, 10 => FileType.Link, _ => FileType.Other }));
            buffer = buffer[length..];
        }
    }
}
