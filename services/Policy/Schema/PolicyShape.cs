namespace Gatehouse.Policy.Schema;

/// <summary>The shape of <c>gatehouse.yaml</c>, version 1.</summary>
internal static class PolicyShape
{
    public const int MaxRules = 20_000, MaxMounts = 64, MaxSecrets = 64, MaxNames = 256;

    private const string SizePattern = "^[0-9]+(B|KB|KiB|MB|MiB|GB|GiB|TB|TiB)?$", DurationPattern = "^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$";

    private static readonly Shape s_globs = OneOrMany("Globs, of which one must match", Text("Glob: * within a segment, ** across", "claude-haiku-*"), 64);

    public static readonly MapShape Root = Map("What an agent may do: everything is denied unless it is named here",
        Required("version", Integer("Version of this format", "1") with { Values = ["1"] }),
        Key("agent", Map("What runs, where, and with how much",
            Key("command", OneOrMany("Program and arguments", Text("Word", "claude"), 256)),
            Key("isolation", Choice("What holds the process", "bubblewrap", "docker", "podman")),
            Key("image", Text("Container image", "gatehouse/agent")),
            Key("runtime", Choice("OCI runtime", "runc", "crun", "runsc", "kata-fc")),
            Key("environment", Names("Variables of the agent; nothing is inherited unless it is named: ${NAME} is the caller's", Text("Value", "${TERM}"))),
            Key("limits", Map("Upper bounds of a session",
                Key("memory", Size("Memory of all processes")),
                Key("processes", Integer("Processes and threads", "512")),
                Key("cpus", Number("Cores", "2")),
                Key("duration", Duration("Wall time, after which the session ends")))),
            Key("publish", List("Servers the agent runs, reachable from the host's loopback", Map("One port",
                Required("inside", Port("Port inside")),
                Required("host", Text("Loopback address and port on the host", "127.0.0.1:18789"))), 32)))),
        Key("filesystem", Map("What of the host's files the agent sees",
            Key("inputs", List("Read-only folders and files", Map("One input",
                Required("host", Text("Path on the host; ~ and paths relative to this file work", "~/docs")),
                Required("at", Text("Absolute path inside", "/docs"))), MaxMounts)),
            Key("workspaces", List("Writable folders, as a copy that a person reviews", Map("One workspace",
                Required("host", Text("Folder on the host", ".")),
                Required("at", Text("Absolute path inside", "/workspace")),
                Key("mode", Choice("overlay: changes go to an upper layer; worktree: onto a Git branch of their own", "overlay", "worktree"))), 16)),
            Key("scratch", List("Empty tmpfs folders", Map("One scratch folder",
                Required("at", Text("Absolute path inside", "/tmp")),
                Required("size", Size("Most it may hold"))), 16)),
            Key("hide", List("Paths, relative to each input and workspace, that the agent must not see", Text("Glob", "**/.env"), 256)))),
        Key("egress", Map("What the agent may reach",
            Key("allow", List("Rules; what none names is denied", Map("One destination: a host or an address",
                Key("host", Text("Exact name, or *.name for one or more labels below it", "api.github.com")),
                Key("address", Text("Address or CIDR range", "10.1.2.3/32")),
                Key("ports", OneOrMany("TCP ports; default 443 and 80", Port("Port"), 64)),
                Key("methods", OneOrMany("HTTP methods; makes the rule inspected", Text("Method", "GET"), 32)),
                Key("paths", OneOrMany("Paths; makes the rule inspected", Text("Glob", "/**"), 256)),
                Key("connect", Text("Connect here, whatever the name resolves to", "127.0.0.1:8443")),
                Key("trust", Text("PEM file with the origin's own CA", "ca.pem"))), MaxRules)))),
        Key("secrets", List("Credentials that a gateway injects; the agent never holds one", Map("One credential",
            Required("name", Text("First path segment at the gateway: letters, digits, hyphens", "anthropic") with { Pattern = "^[a-z0-9-]{1,40}$" }),
            Required("upstream", Text("Origin that is called", "https://api.anthropic.com")),
            Required("from", Text("Where the credential is: env:NAME, file:PATH, command:LINE, azure-keyvault:URL, vault:URL", "env:ANTHROPIC_API_KEY")),
            Required("inject", Map("How it is sent",
                Required("header", Text("Header", "x-api-key")),
                Required("value", Text("Its value, with {secret} once", "{secret}")))),
            Key("expose", Names("Variables the agent gets; {url} is the gateway's address for this credential", Text("Value", "{url}"))),
            Required("allow", List("Calls it may be used for; no entry, no call", Map("One shape of call",
                Required("method", OneOrMany("HTTP methods", Text("Method", "POST"), 32)),
                Required("path", Text("Glob over the path below the upstream", "/v1/messages")),
                Key("headers", Names("Headers that must be there, and globs for their values", s_globs)),
                Key("query", Names("The only query parameters, and globs for their values", s_globs)),
                Key("body", new NamesShape("Members of a JSON body, and what they may be", new AnyShape("A glob, a list of globs, or {min, max}"), 64))), 64)),
            Key("limits", Map("Budgets",
                Key("requestsPerMinute", Integer("Requests", "60")),
                Key("bytesPerDay", Size("Bytes both ways")),
                Key("tokensPerDay", Integer("Model tokens", "2000000")))),
            Key("trust", Text("PEM file with the upstream's own CA", "ca.pem"))), MaxSecrets)),
        Key("execution", Map("What the agent may run",
            Key("allow", List("Commands; absent: whatever the root holds", Text("Command", "git"), 256)))),
        Key("logging", Map("The record",
            Key("whenUnavailable", Choice("What a gate does when nothing can be recorded", "deny", "spool")))));

    private static MapShape Map(string description, params KeyShape[] keys) => new(description, [.. keys]);

    private static KeyShape Key(string name, Shape value) => new(name, value);

    private static KeyShape Required(string name, Shape value) => new(name, value, Required: true);

    private static ListShape List(string description, Shape item, int max) => new(description, item, max);

    private static OneOrManyShape OneOrMany(string description, Shape item, int max) => new(description, item, max);

    private static NamesShape Names(string description, Shape value) => new(description, value, MaxNames);

    private static ScalarShape Text(string description, string example) => new(description, "string", [], Example: example);

    private static ScalarShape Integer(string description, string example) => new(description, "integer", [], Example: example);

    private static ScalarShape Number(string description, string example) => new(description, "number", [], Example: example);

    private static ScalarShape Port(string description) => new(description, "integer", [], Example: "8443");

    private static ScalarShape Choice(string description, params string[] values) => new(description, "string", [.. values], Example: values[0]);

    private static ScalarShape Size(string description) => new(description + ", as 512MiB", "string", [], SizePattern, "512MiB");

    private static ScalarShape Duration(string description) => new(description + ", as 8h or 1h30m", "string", [], DurationPattern, "8h");
}
