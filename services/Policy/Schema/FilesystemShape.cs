namespace Gatehouse.Policy.Schema;

/// <summary><c>filesystem:</c></summary>
internal static class FilesystemShape
{
    private static readonly Key Host = new("host",
        new TextShape("Path on the host: absolute, below ~, or relative to the policy file.", "~/docs"))
    {
        IsRequired = true,
    };

    private static readonly Key At = new("at", new TextShape("Absolute path that the agent sees it at.", "/docs")) { IsRequired = true };

    public static ObjectShape Filesystem { get; } = new("What the agent sees of the host's files, and what it may change.",
    [
        new("inputs", new ListShape("Host files and directories that the agent may read.",
            new ObjectShape("One input.", [Host, At]), MaxCount: 64)),
        new("workspaces", new ListShape("Host directories that the agent may change, in a copy that a person reviews.",
            new ObjectShape("One workspace.",
            [
                Host,
                At,
                new("mode", new WordShape(
                    "overlay: changes are kept beside the directory until applied; worktree: on a git branch of their own.",
                    [new("overlay"), new("worktree")])),
            ]), MaxCount: 16)),
        new("scratch", new ListShape("Empty directories in memory, gone with the session. There is none but those named, /tmp included.",
            new ObjectShape("One scratch directory.",
            [
                At,
                new("size", new SizeShape("The most it holds.", 4096, 1L << 44)) { IsRequired = true },
                new("exec", new WordShape("true lets programs be started from it.", [new("false"), new("true")])),
            ]), MaxCount: 16)),
        new("root", new WordShape("Whether the agent may change the image's own files, in a layer of the session's. With docker and podman.",
            [new("read-only"), new("writable")])),
        new("hide", new ListShape(
            "Paths masked in inputs and workspaces: globs from the root of each, * within a segment, ** for any number of segments.",
            new TextShape("Glob without a leading slash.", "\"**/.env\"", 1024), MaxCount: 256)),
    ]);
}
