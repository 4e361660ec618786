using Gatehouse.AgentSandbox.Native;
using Microsoft.Win32.SafeHandles;

namespace Gatehouse.AgentSandbox.Workspaces.Files;

/// <summary>Bytes of files, streamed.</summary>
internal static class FileContent
{
    private const int BufferSize = 256 * 1024;

    public static bool AreEqual(SafeFileHandle left, SafeFileHandle right)
    {
        var ours = new byte[BufferSize];
        var theirs = new byte[BufferSize];
        for (long at = 0; ;)
        {
            var read = ReadFull(left, ours, at);
            if (read != ReadFull(right, theirs, at) || !ours.AsSpan(0, read).SequenceEqual(theirs.AsSpan(0, read)))
                return false;
            if (read < BufferSize)
                return true;
            at += read;
        }
    }

    public static void Copy(SafeFileHandle from, SafeFileHandle to)
    {
        var buffer = new byte[BufferSize];
        for (long at = 0; RandomAccess.Read(from, buffer, at) is > 0 and var read; at += read)
            RandomAccess.Write(to, buffer.AsSpan(0, read), at);
    }

    /// <returns>Null when it holds more than <paramref name="limit"/> bytes.</returns>
    public static byte[]? ReadAll(SafeFileHandle file, int limit)
    {
        var length = RandomAccess.GetLength(file);
        if (length > limit)
            return null;
        var content = new byte[length];
        return content[..ReadFull(file, content, 0)];
    }

    /// <summary>A file's bytes, or where a link points; null for anything else, and for more than <paramref name="limit"/> bytes.</summary>
    /// <param name="root">The folder that the path is below.</param>
    /// <param name="path">Which.</param>
    /// <param name="type">What it is, as far as known.</param>
    /// <param name="limit">Bytes.</param>
    /// <param name="lend">As for <see cref="Folder.OpenFile"/>; never on the host's side.</param>
    public static byte[]? Of(Folder root, RelativePath path, FileType? type, int limit, bool lend)
    {
        if (type is not (FileType.File or FileType.Link))
            return null;
        using var folder = root.OpenFolder(path.Parent!);
        if (type == FileType.Link)
            return folder?.ReadLink(path.Name);
        using var file = folder?.OpenFile(path.Name, lend);
        return file is null ? null : ReadAll(file, limit);
    }

    /// <summary>Waits until it is on disk.</summary>
    public static void Flush(SafeFileHandle file) =>
        SystemCallException.Check(FileCalls.fsync((int)file.DangerousGetHandle()), "write a file to disk");

    public static void SetMode(SafeFileHandle file, uint mode) =>
        SystemCallException.Check(FileCalls.fchmod((int)file.DangerousGetHandle(), mode), "set the mode of a file");

    /// <summary>Reads until the buffer or the file ends.</summary>
    public static int ReadFull(SafeFileHandle file, Span<byte> buffer, long offset)
    {
        var total = 0;
        while (total < buffer.Length && RandomAccess.Read(file, buffer[total..], offset + total) is > 0 and var read)
            total += read;
        return total;
    }
}
