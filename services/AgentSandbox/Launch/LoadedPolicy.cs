using System.Security.Cryptography;
using System.Text;
using Gatehouse.AgentSandbox.Native;
using Gatehouse.Policy;
using Gatehouse.Policy.Parsing;

namespace Gatehouse.AgentSandbox.Launch;

/// <summary>A policy with the file it came from, as all parts of one session must see it.</summary>
/// <param name="Policy">Validated.</param>
/// <param name="Path">Absolute.</param>
/// <param name="Sha256">Of the file's bytes, lower-case hex.</param>
/// <param name="IsBuiltIn">True when no file was found.</param>
internal sealed record LoadedPolicy(AgentPolicy Policy, string Path, string Sha256, bool IsBuiltIn)
{
    public const string FileName = "gatehouse.yaml";

    /// <summary>Host paths in the policy are relative to this.</summary>
    public string Directory => System.IO.Path.GetDirectoryName(Path)!;

    /// <summary>The nearest <c>gatehouse.yaml</c> at or above <paramref name="from"/>; null when there is none.</summary>
    public static string? Locate(string from)
    {
        for (var folder = new DirectoryInfo(from); folder is not null; folder = folder.Parent)
        {
            var candidate = System.IO.Path.Combine(folder.FullName, FileName);
            if (!File.Exists(candidate))
                continue;
            // In /tmp anybody can leave one above the caller's folder: found by chance, it must be the caller's own, root's, or of the folder's owner.
            var owner = FileOwner.Of(candidate).Uid;
            if (owner == 0 || owner == LibC.getuid() || (LibC.getuid() == 0 && owner == FileOwner.Of(from).Uid))
                return candidate;
            throw new LaunchException(ExitCodes.NotPermitted, $"{candidate} belongs to somebody else (uid {owner}): read it, and name it with --policy to use it");
        }

        return null;
    }

    /// <exception cref="LaunchException">The file can not be read, or has errors: all of them are in the message, a line each.</exception>
    public static LoadedPolicy Load(string path, bool isBuiltIn = false)
    {
        var full = System.IO.Path.GetFullPath(path);
        byte[] bytes;
        try
        {
            using var file = File.OpenRead(full);
            if (file.Length > PolicyParser.MaxBytes)
                throw new LaunchException(ExitCodes.BadPolicy, $"{path} is larger than {PolicyParser.MaxBytes / 1024 / 1024} MiB: split hosts into wildcards");
            bytes = new byte[file.Length];
            file.ReadExactly(bytes);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new LaunchException(ExitCodes.BadPolicy, $"the policy {path} can not be read: {e.Message}", e);
        }

        var result = PolicyParser.Parse(Encoding.UTF8.GetString(bytes).TrimStart('\uFEFF'), path);
        if (result.Policy is null)
            throw new LaunchException(ExitCodes.BadPolicy, string.Join('\n', result.Errors));
        return new(result.Policy, full, Convert.ToHexStringLower(SHA256.HashData(bytes)), isBuiltIn);
    }
}
