using System.Security.Cryptography;

namespace Gatehouse.AgentSandbox.Containers;

/// <summary>A random name of this installation, known to its owner alone: what carries it as a label is ours.</summary>
internal static class Installation
{
    public static string Id(string state)
    {
        var path = Path.Combine(state, "installation");
        try
        {
            if (File.ReadAllText(path) is { Length: 32 } known)
                return known;
        }
        catch (FileNotFoundException)
        {
            // Made now.
        }

        var temporary = $"{path}.{Environment.ProcessId}";
        File.WriteAllText(temporary, RandomNumberGenerator.GetHexString(32, lowercase: true));
        File.SetUnixFileMode(temporary, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        try
        {
            File.Move(temporary, path, overwrite: false);
        }
        catch (IOException) when (File.Exists(path))
        {
            File.Delete(temporary);
        }

        return File.ReadAllText(path);
    }
}
