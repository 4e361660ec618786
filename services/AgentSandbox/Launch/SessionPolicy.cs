using Gatehouse.Gate;
using Gatehouse.Policy;

namespace Gatehouse.AgentSandbox.Launch;

/// <summary>The policy that a session runs under.</summary>
internal static class SessionPolicy
{
    /// <summary>The named file, else the nearest one, else the built-in policy, written into the session's folder so that gates read it like any other.</summary>
    public static LoadedPolicy Load(string? named, StateDirectory state, string session)
    {
        if (named is not null)
            return LoadedPolicy.Load(named);
        if (LoadedPolicy.Locate(Environment.CurrentDirectory) is { } found)
            return LoadedPolicy.Load(found);
        var folder = Path.Combine(state.Path, "sessions", session);
        Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var path = Path.Combine(folder, LoadedPolicy.FileName);
        File.WriteAllText(path, BuiltInPolicy.Yaml(Environment.CurrentDirectory));
        return LoadedPolicy.Load(path, isBuiltIn: true);
    }
}
