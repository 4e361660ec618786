using Gatehouse.Gate.Native;

namespace Gatehouse.Gate;

/// <summary>A directory for this user alone. In /tmp somebody else may have made one of that name first: it is then refused, not used.</summary>
internal static class PrivateDirectory
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <returns>Absolute path.</returns>
    public static string Open(string path, string variable)
    {
        path = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        Directory.CreateDirectory(path, Private);
        var status = FileStatus.OfLink(path) ?? throw new IOException($"{path} can not be made: name another folder in {variable}");
        if (!status.IsDirectory)
            throw new IOException($"{path} is a link or a file, not a folder: remove it, or name another in {variable}");
        if (status.Uid != LibC.getuid())
            throw new IOException($"{path} belongs to somebody else (uid {status.Uid}): remove it, or name another in {variable}");
        if ((status.Mode & 0x3f) != 0)
            throw new IOException($"{path} is open to others: chmod 700 it, or name another in {variable}");
        return path;
    }
}
