using System.Globalization;
using System.Text;
using Gatehouse.Policy.Yaml;

namespace Gatehouse.Policy;

/// <summary>
/// What holds when there is no policy file: the working directory as an overlay workspace, a scratch /tmp, no egress, no secret.
/// </summary>
public static class BuiltInPolicy
{
    /// <summary>The policy as YAML, with <paramref name="workingDirectory"/> (absolute) as its workspace.</summary>
    public static string Yaml(string workingDirectory) => $$"""
        # The built-in policy: used because no gatehouse.yaml was found.
        version: 1
        filesystem:
          workspaces: [{ host: {{Quote(workingDirectory)}}, at: /workspace, mode: overlay }]
          scratch: [{ at: /tmp, size: 512MiB }]

        """;

    // A directory may have any name at all, one that is YAML included.
    private static string Quote(string text)
    {
        var builder = new StringBuilder("\"");
        foreach (var rune in text.EnumerateRunes())
        {
            var written = rune.ToString();
            if (rune.Value is '"' or '\\')
                builder.Append('\\').Append(written);
            else if (rune.Value is '\t' or '\r' or '\n' || !YamlText.IsVisible(written, 0))
                builder.Append(CultureInfo.InvariantCulture, $"\\U{rune.Value:X8}");
            else
                builder.Append(written);
        }

        return builder.Append('"').ToString();
    }
}
