namespace Gatehouse.Policy.Schema;

/// <summary>The whole of <c>gatehouse.yaml</c>.</summary>
internal static class PolicyShape
{
    public static ObjectShape Root { get; } = new("What an agent may do. Everything that is not named here is denied.",
    [
        new("version", new IntegerShape("Version of this format.", 1, 1)) { IsRequired = true },
        new("agent", AgentShape.Agent),
        new("filesystem", FilesystemShape.Filesystem),
        new("egress", EgressShape.Egress),
        new("secrets", SecretShape.Secrets),
        new("execution", new ObjectShape("Programs the agent may run.",
        [
            new("allow", new ListShape("Names or absolute paths of programs; without it, whatever the root file system holds.",
                new TextShape("A program.", "git", 256), MaxCount: 1024)) { Needs = PolicyFeatures.Execution },
        ])),
        new("logging", new ObjectShape("How the record is kept.",
        [
            new("whenUnavailable",
                new WordShape("What the gates do when nothing can be recorded: deny, or spool to disk until that is full.",
                [new("deny"), new("spool")])),
        ])),
    ]);
}
