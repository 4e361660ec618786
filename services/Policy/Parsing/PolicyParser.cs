using System.Collections.Immutable;
using Gatehouse.Policy.Events;
using Gatehouse.Policy.Schema;

namespace Gatehouse.Policy.Parsing;

/// <summary>YAML text to <see cref="AgentPolicy"/>, or every error in it.</summary>
public static class PolicyParser
{
    /// <summary>The longest policy that is read, in bytes of UTF-8.</summary>
    public const int MaxBytes = 4 * 1024 * 1024;

    /// <param name="yaml">The whole file.</param>
    /// <param name="file">Its name, for messages.</param>
    public static PolicyParseResult Parse(string yaml, string file)
    {
        var errors = new ErrorList(file);
        if (yaml.Length > MaxBytes)
            errors.Add(1, 1, "the policy is larger than 4 MiB", "Use wildcards in place of so many rules");
        else if (YamlTree.Read(yaml, errors) is { } tree)
            return Read(tree, errors);
        else if (errors.IsEmpty)
            errors.Add(1, 1, "the policy is empty", "Write at least 'version: 1', or 'gatehouse init'");
        return new(null, errors.ToImmutable());
    }

    private static PolicyParseResult Read(YamlNode tree, ErrorList errors)
    {
        ShapeCheck.Check(tree, PolicyShape.Root, "", errors);
        var root = new Section(tree.Entries is null ? new() { Line = 1, Column = 1, Entries = [] } : tree, "", errors);
        var execution = root.Child("execution");
        var policy = new AgentPolicy
        {
            Agent = AgentReader.Read(root.Child("agent")),
            Filesystem = FilesystemReader.Read(root.Child("filesystem")),
            Egress = EgressReader.Read(root.Child("egress")),
            Secrets = SecretsReader.Read(root),
            AllowedCommands = execution["allow"] is null ? default : [.. execution.Scalars("allow").Select(word => word.Scalar!)],
            WhenUnavailable = root.Child("logging").Choice("whenUnavailable", WhenUnavailable.Deny),
        };
        execution.NotSupportedYet("allow", "Remove it: the agent may run what /usr holds, without rights");
        foreach (var variable in policy.Secrets.SelectMany(secret => secret.Expose.Keys).Where(policy.Agent.Environment.ContainsKey))
            errors.Add(root["secrets"]!, $"{variable} is in agent.environment and exposed by a secret", "Keep one of them");
        return errors.IsEmpty ? new(policy, []) : new(null, errors.ToImmutable());
    }
}

/// <summary>Either a policy and no error, or at least one error and no policy.</summary>
public sealed record PolicyParseResult(AgentPolicy? Policy, ImmutableArray<PolicyError> Errors);

/// <param name="File">As given to the parser.</param>
/// <param name="Line">From 1.</param>
/// <param name="Column">From 1.</param>
/// <param name="Message">What is wrong.</param>
/// <param name="Fix">What to write instead.</param>
public sealed record PolicyError(string File, int Line, int Column, string Message, string Fix)
{
    public override string ToString() => $"{File}:{Line}:{Column}: {Message}. {Fix}";
}
