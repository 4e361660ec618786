using Gatehouse.Policy.Parsing;

namespace Gatehouse.Gate.Policies;

/// <summary>Replaces a policy file, whole or not at all. Running sessions see the change by themselves.</summary>
public static class PolicyReplacement
{
    /// <summary>The file itself: people link their policies, and the link stays a link.</summary>
    /// <returns>Null when it is not there, or larger than a policy can be.</returns>
    public static FileInfo? Find(string path)
    {
        try
        {
            var file = new FileInfo(path);
            file = file.ResolveLinkTarget(returnFinalTarget: true) as FileInfo ?? file;
            return file.Exists && file.Length <= PolicyParser.MaxBytes ? file : null;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <summary>Replaces what was read, and nothing that somebody wrote since.</summary>
    /// <param name="path">The policy, or a link to it.</param>
    /// <param name="before">The bytes that the edit began with.</param>
    /// <param name="after">The new ones.</param>
    /// <returns>Null when it is done, else what is wrong and what to do.</returns>
    public static string? TryReplace(string path, ReadOnlySpan<byte> before, ReadOnlySpan<byte> after)
    {
        try
        {
            if (Find(path) is not { } file)
                return "it is not there any more";
            if (!before.SequenceEqual(File.ReadAllBytes(file.FullName)))
                return "it changed meanwhile: try again";
            Replace(file, after);
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return e.Message;
        }
    }

    /// <summary>On the disk under another name first: neither a crash nor a gate that reads meanwhile finds half of it.</summary>
    /// <exception cref="IOException">It is as it was.</exception>
    public static void Replace(FileInfo file, ReadOnlySpan<byte> content)
    {
        var beside = Path.Combine(file.DirectoryName!, $".{file.Name}.{Guid.NewGuid():N}");
        try
        {
            using (var stream = new FileStream(beside, new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            }))
            {
                File.SetUnixFileMode(stream.SafeFileHandle, File.GetUnixFileMode(file.FullName));
                stream.Write(content);
                stream.Flush(flushToDisk: true);
            }

            File.Move(beside, file.FullName, overwrite: true);
        }
        finally
        {
            File.Delete(beside);
        }
    }
}
