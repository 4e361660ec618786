using System.CommandLine;
using Gatehouse.AgentSandbox.Launch;

namespace Gatehouse.AgentSandbox.CommandLine;

/// <summary><c>gatehouse run [--policy F] [--] CMD…</c></summary>
internal static class RunCommand
{
    public static Command Create()
    {
        var policy = new Option<FileInfo?>("--policy", "-p") { Description = "Policy file; default: the nearest gatehouse.yaml at or above the working directory" };
        var quiet = new Option<bool>("--quiet", "-q") { Description = "No line before and after the agent's own output" };
        var command = new Argument<string[]>("command") { Description = "Program and arguments; default: agent.command of the policy", Arity = ArgumentArity.ZeroOrMore };
        var run = new Command("run", "Runs a program in an enclosure; its exit code is this command's. Starts the services when none is up.") { policy, quiet, command };
        run.SetAction(parsed => SessionLauncher.Run(parsed.GetValue(policy)?.FullName, [.. parsed.GetValue(command) ?? []], parsed.GetValue(quiet)));
        return run;
    }

    /// <summary>Everything from the first word that is not an option of <c>run</c> itself belongs to the agent's command, with or without <c>--</c>.</summary>
    public static string[] Separate(string[] arguments)
    {
        if (arguments is not ["run", ..])
            return arguments;
        for (var i = 1; i < arguments.Length; i++)
        {
            if (arguments[i] == "--")
                return arguments;
            if (arguments[i] is "--policy" or "-p")
                i++;
            else if (!arguments[i].StartsWith('-'))
                return [.. arguments[..i], "--", .. arguments[i..]];
        }

        return arguments;
    }
}
