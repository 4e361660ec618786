using System.Collections.Immutable;
using Gatehouse.Policy.Events;
using Gatehouse.Policy.Schema;
using Gatehouse.Policy.Yaml;

namespace Gatehouse.Policy.Parsing;

/// <summary>YAML text to <see cref="AgentPolicy"/>, or every error in it.</summary>
public static class PolicyParser
{
    /// <summary>The longest policy that is read, in bytes of UTF-8.</summary>
    public const int MaxBytes = 4 * 1024 * 1024;

    /// <param name="yaml">The whole file.</param>
    /// <param name="file">Its name, for messages.</param>
    public static PolicyParseResult Parse(string yaml, string file) => Parse(yaml, file, PolicyFeatures.Current);

    internal static PolicyParseResult Parse(string yaml, string file, PolicyFeatures supported)
    {
        var errors = new ErrorList(file);
        var root = YamlReader.Read(yaml, errors);
        AgentPolicy? policy = null;
        if (root is not null)
        {
            var checker = new SchemaChecker(supported, errors);
            checker.Check(root, PolicyShape.Root, Place.Root);
            if (!checker.IsOversize)
                policy = Read(root, supported, errors);
        }

        return errors.IsEmpty ? new PolicyParseResult(policy, []) : new PolicyParseResult(null, errors.ToImmutable());
    }

    private static AgentPolicy Read(Node root, PolicyFeatures supported, ErrorList errors)
    {
        var egress = EgressReader.Read(root.Find("egress"), errors);
        var agent = new AgentReader(egress.Ports, errors).Read(root.Find("agent"));
        if (agent.Isolation == Agent.Isolation.Bubblewrap && root.Find("filesystem").Scalar("root") is { Text: "writable" } writable)
            errors.Add(writable.At, "filesystem.root 'writable' means nothing with isolation: bubblewrap, whose root is the host's own", "Remove it, or write isolation: docker or podman.");
        return new AgentPolicy
        {
            Agent = agent,
            Filesystem = new FilesystemReader(errors).Read(root.Find("filesystem")),
            Egress = egress,
            Secrets = new SecretReader(supported, agent.Environment, errors).ReadAll(root),
            AllowedCommands = ExecutionReader.Read(root.Find("execution"), errors),
            WhenUnavailable = root.Find("logging").Scalar("whenUnavailable")?.Text == "spool"
                ? WhenUnavailable.Spool
                : WhenUnavailable.Deny,
        };
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
