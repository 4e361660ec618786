using System.Collections.Immutable;
using Gatehouse.Policy.Yaml;

namespace Gatehouse.Policy.Parsing;

/// <summary>The <c>at:</c> paths of a policy: absolute, in normal form, each once, and none where the enclosure's own parts are.</summary>
internal sealed class MountPoints(ErrorList errors)
{
    private static readonly ImmutableArray<string> Reserved =
        ["/proc", "/dev", "/sys", "/usr", "/etc", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/boot", "/run/gatehouse"];

    private readonly Dictionary<string, Position> _seen = new(StringComparer.Ordinal);

    public string? Read(ScalarNode? scalar)
    {
        if (scalar is null || scalar.Text.Length == 0 || scalar.Text.Contains('\0'))
            return null;
        var (path, at) = (scalar.Text, scalar.At);
        var shown = Shown.Quoted(path);
        if (path[0] != '/')
            errors.Add(at, $"{shown} is not an absolute path", path[0] == '~'
                ? "Write it out: the agent's home is not yours."
                : $"Write {Shown.Plain("/" + path)}.");
        else if (path == "/")
            errors.Add(at, "Nothing can be mounted over the root", "Write a directory below it, such as /workspace.");
        else if (path[1..].Split('/').Any(segment => segment is "" or "." or ".."))
            errors.Add(at, $"{shown} is not a normalised path", "Leave out empty segments, '.' and '..', and a slash at the end.");
        else if (Reserved.FirstOrDefault(reserved => IsWithin(path, reserved) || IsWithin(reserved, path)) is { } taken)
            errors.Add(at, $"{shown} would cover {taken}, which the enclosure makes itself",
                "Choose another place, such as /workspace or /data.");
        else if (_seen.Keys.FirstOrDefault(seen => IsWithin(path, seen) || IsWithin(seen, path)) is { } other)
            // A mount point inside another mount would have to be made in it, and would show as the agent's change.
            errors.Add(at, $"{shown} is not beside {Shown.Quoted(other)}, which is on line {_seen[other].Line}",
                "Choose places side by side.");
        else
        {
            _seen.Add(path, at);
            return path;
        }

        return null;
    }

    private static bool IsWithin(string path, string directory) =>
        path.StartsWith(directory, StringComparison.Ordinal) && (path.Length == directory.Length || path[directory.Length] == '/');
}
