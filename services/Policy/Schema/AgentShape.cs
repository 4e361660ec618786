namespace Gatehouse.Policy.Schema;

/// <summary><c>agent:</c></summary>
internal static class AgentShape
{
    public static ObjectShape Agent { get; } = new("What runs, where, and with how much.",
    [
        new("command", new ListShape("Program and arguments; what follows 'gatehouse run --' takes its place.",
            new TextShape("Program or argument.", "claude") { MayBeEmpty = true }, MaxCount: 256, MinCount: 1)),
        new("isolation", new WordShape("The mechanism that holds the agent.",
            [new("bubblewrap"), new("docker"), new("podman")])),
        new("image", new TextShape("Container image, with docker and podman.", "gatehouse/agent",
            512)),
        new("runtime", new WordShape("OCI runtime, with docker and podman.",
            [new("runc"), new("crun"), new("runsc", PolicyFeatures.GuestKernels), new("kata-fc", PolicyFeatures.GuestKernels)])),
        new("environment", new MapShape(
            "Environment of the agent. Nothing is inherited: ${NAME} stands for the caller's variable of that name.",
            new TextShape("Value.", "\"${TERM}\"", 32 * 1024) { MayBeEmpty = true }, MaxCount: 256)),
        new("limits", new ObjectShape("Upper bounds of a session; what is not named is not bounded.",
        [
            new("memory", new SizeShape("Memory of all processes together; with docker and podman.", 16L << 20, 1L << 50)),
            new("processes", new IntegerShape("Processes and threads at one time.", 8, 4_194_304)),
            new("cpus", new DecimalShape("Cores; fractions are taken. With docker and podman.", 0.01, 4096)),
            new("duration", new DurationShape("Wall time, after which the session ends.", TimeSpan.FromDays(30))),
        ])),
        new("publish", new ListShape("Servers of the agent that the host's loopback may reach.",
            new ObjectShape("One server.",
            [
                new("inside", new IntegerShape("TCP port that the agent listens on; it has no right to those below 1024.", 1024,
                    65535)) { IsRequired = true },
                new("host", new TextShape("Loopback address and port on the host.", "127.0.0.1:18789", 64)) { IsRequired = true },
                new("beyondLoopback", new WordShape("true lets other machines reach it: host may then be any address of this one.", [new("false"), new("true")])),
            ]), MaxCount: 16)),
    ]);
}
