using System.CommandLine;
using System.Globalization;
using Gatehouse.AgentSandbox.Composition;

namespace Gatehouse.AgentSandbox.CommandLine;

/// <summary><c>gatehouse enclose --policy F --user UID:GID</c></summary>
internal static class EncloseCommand
{
    public static Command Create()
    {
        var policy = new Option<FileInfo>("--policy", "-p") { Description = "Policy file, at the same path as in the gates' containers", Required = true };
        var user = new Option<string>("--user") { Description = "UID:GID that the agent's container runs as", DefaultValueFactory = _ => "1000:1000" };
        user.Validators.Add(result =>
        {
            if (!TryParse(result.GetValueOrDefault<string>(), out _))
                result.AddError("--user must be UID:GID, two numbers, and not root: 1000:1000.");
        });
        var command = new Argument<string[]>("command") { Description = "Program and arguments; default: agent.command of the policy", Arity = ArgumentArity.ZeroOrMore };
        var enclose = new Command("enclose", "Inside the network namespace of a waiting agent's container: makes its network, opens the gates and starts the agent. For Compose files, see deploy/compose.") { policy, user, command };
        enclose.SetAction(parsed =>
        {
            _ = TryParse(parsed.GetValue(user), out var agent);
            return ComposedLauncher.Run(parsed.GetValue(policy)!.FullName, [.. parsed.GetValue(command) ?? []], agent);
        });
        return enclose;
    }

    private static bool TryParse(string? text, out (uint Uid, uint Gid) user)
    {
        user = default;
        var at = text?.IndexOf(':', StringComparison.Ordinal) ?? -1;
        return at > 0
            && uint.TryParse(text.AsSpan(0, at), NumberStyles.None, CultureInfo.InvariantCulture, out user.Uid)
            && uint.TryParse(text.AsSpan(at + 1), NumberStyles.None, CultureInfo.InvariantCulture, out user.Gid)
            && user is { Uid: > 0, Gid: > 0 };
    }
}
