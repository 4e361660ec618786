namespace Gatehouse.Policy;

/// <summary>What holds when there is no policy file: the working directory as an overlay workspace, a scratch /tmp, no egress, no secret.</summary>
public static class BuiltInPolicy
{
    /// <summary>The policy as YAML, with <paramref name="workingDirectory"/> (absolute) as its workspace.</summary>
    public static string Yaml(string workingDirectory) => throw new NotImplementedException();
}
