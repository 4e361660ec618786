using Gatehouse.Policy.Filesystem;
using Gatehouse.Policy.Names;

namespace Gatehouse.Policy.Parsing;

/// <summary>Reads <c>filesystem:</c>.</summary>
internal static class FilesystemReader
{
    /// <summary>What the enclosure's own root is made of: nothing may be mounted there or below.</summary>
    private static readonly string[] s_own = ["/proc", "/dev", "/sys", "/usr", "/etc", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/boot"];

    public static FilesystemPolicy Read(Section filesystem)
    {
        var taken = new Dictionary<string, YamlNode>(StringComparer.Ordinal);
        var policy = new FilesystemPolicy
        {
            Inputs = [.. filesystem.Items("inputs").Select(item => (Host: Host(item), At: At(item, taken)))
                .Where(item => item is { Host: not null, At: not null }).Select(item => new InputMount(item.Host!, item.At!))],
            Workspaces = [.. filesystem.Items("workspaces").Select(item => (Host: Host(item), At: At(item, taken), Mode: item.Choice("mode", WorkspaceMode.Overlay)))
                .Where(item => item is { Host: not null, At: not null }).Select(item => new WorkspaceMount(item.Host!, item.At!, item.Mode))],
            Scratch = [.. filesystem.Items("scratch").Select(item => (At: At(item, taken), Size: item.Size("size")))
                .Where(item => item is { At: not null, Size: not null }).Select(item => new ScratchMount(item.At!, item.Size!.Value))],
            Hide = [.. filesystem.Scalars("hide").Select(glob => Hide(filesystem, glob)).OfType<PathPattern>()],
        };
        CheckNesting(filesystem, taken);
        return policy;
    }

    private static string? Host(Section item)
    {
        if (item.Text("host") is { Length: > 0 } host)
            return host;
        if (item["host"] is { } empty)
            item.Error(empty, $"{item.Name("host")} is empty", "Write a path on the host; '.' is the policy's own folder");
        return null;
    }

    private static string? At(Section item, Dictionary<string, YamlNode> taken)
    {
        if (item["at"] is not { Scalar: { } text } at)
            return null;
        if (text.Length < 2 || text[0] != '/' || text.EndsWith('/') || text.Contains("//", StringComparison.Ordinal) || text.Length > 1024
            || text.Split('/').Any(part => part is "." or ".."))
        {
            item.Error(at, $"{item.Name("at")} is '{text}'", "Write an absolute path without dots, such as /workspace");
            return null;
        }

        if (s_own.FirstOrDefault(own => text == own || text.StartsWith(own + '/', StringComparison.Ordinal)) is { } place)
        {
            item.Error(at, $"{item.Name("at")} is in {place}, which the enclosure makes itself", "Choose another place, such as /workspace or /docs");
            return null;
        }

        if (taken.TryAdd(text, at))
            return text;
        item.Error(at, $"{item.Name("at")} is {text}, which is taken in line {taken[text].Line}", "Choose another place");
        return null;
    }

    // A mount point inside another mount would have to be made in it, and would show as the agent's change.
    private static void CheckNesting(Section filesystem, Dictionary<string, YamlNode> taken)
    {
        foreach (var (path, node) in taken)
        {
            if (taken.Keys.FirstOrDefault(other => other.Length < path.Length && path.StartsWith(other + '/', StringComparison.Ordinal)) is { } outer)
                filesystem.Error(node, $"{path} is inside {outer}, which is a mount itself", "Choose places side by side");
        }
    }

    private static PathPattern? Hide(Section filesystem, YamlNode glob)
    {
        if (glob.Scalar!.StartsWith('/'))
        {
            filesystem.Error(glob, $"filesystem.hide has '{glob.Scalar}'", "Patterns are relative to each mount: remove the first slash, or write **/ before it");
            return null;
        }

        if (PathPattern.TryParse(glob.Scalar, out var pattern, out var error))
            return pattern;
        filesystem.Error(glob, $"filesystem.hide has '{glob.Scalar}': {error}", "Write for example **/.env");
        return null;
    }
}
