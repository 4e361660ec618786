namespace Gatehouse.Policy;

/// <summary>What holds when there is no policy file: the working directory as an overlay workspace, a scratch /tmp, no egress, no secret.</summary>
public static class BuiltInPolicy
{
    /// <summary>The policy as YAML, with <paramref name="workingDirectory"/> (absolute) as its workspace.</summary>
    public static string Yaml(string workingDirectory) =>
        $$"""
        # The built-in policy: used because no gatehouse.yaml was found.
        version: 1
        filesystem:
          workspaces: [{ host: {{Quote(workingDirectory)}}, at: /workspace, mode: overlay }]
          scratch: [{ at: /tmp, size: 512MiB }]

        """;

    // A JSON string is a YAML double-quoted scalar (YAML 1.2 §7.3.1); paths may hold any character.
    private static string Quote(string text) => '"' + System.Text.Json.JsonEncodedText.Encode(text).ToString() + '"';
}
