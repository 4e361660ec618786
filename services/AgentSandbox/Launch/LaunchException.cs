namespace Gatehouse.AgentSandbox.Launch;

/// <summary>A command can not go on: one line for standard error (what, why, what to do) and the exit code.</summary>
internal sealed class LaunchException(int exitCode, string message, Exception? inner = null) : Exception(message, inner)
{
    public int ExitCode { get; } = exitCode;
}

/// <summary>What the command ends with when it is not the agent's own code (sysexits.h).</summary>
internal static class ExitCodes
{
    public const int Usage = 64;
    public const int BadPolicy = 65;
    public const int Unavailable = 69;
    public const int Internal = 70;
    public const int NotPermitted = 77;
}
