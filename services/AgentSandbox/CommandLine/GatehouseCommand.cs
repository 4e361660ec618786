using System.CommandLine;
using Gatehouse.AgentSandbox.CommandLine.Top;
using Gatehouse.AgentSandbox.Containers;
using Gatehouse.AgentSandbox.Launch;

namespace Gatehouse.AgentSandbox.CommandLine;

/// <summary>The whole command line: parses, runs one command, turns its failures into one line and an exit code.</summary>
internal static class GatehouseCommand
{
    public static int Run(string[] arguments)
    {
        var root = new RootCommand("Runs an AI agent in an enclosure: it can do what the policy names, nothing else, and leaves a record.")
        {
            RunCommand.Create(),
            EncloseCommand.Create(),
            InitCommand.Create(),
            ServiceCommands.Up(),
            ServiceCommands.Down(),
            ServiceCommands.Status(),
            LogCommands.Sessions(),
            ReviewCommands.Changes(),
            ReviewCommands.Apply(),
            ReviewCommands.Discard(),
            ReviewCommands.Undo(),
            LogCommands.Log(),
            PolicyCommands.Create(),
            DoctorCommand.Create(),
            ImageCommands.Create(),
            PendingCommands.Pending(),
            PendingCommands.Approve(),
            PendingCommands.Deny(),
            TopCommand.Create(),
            ConsoleCommand.Create(),
        };
        // An agent's argument may start with '@': it is not a file of ours to read.
        var parsed = root.Parse(RunCommand.Separate(arguments), new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Errors.Count > 0)
        {
            foreach (var error in parsed.Errors)
                Terminal.Say($"{error.Message} See 'gatehouse --help'.");
            return ExitCodes.Usage;
        }

        try
        {
            ContainerLeftovers.CleanUp();
            return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
        }
        catch (LaunchException e)
        {
            foreach (var line in e.Message.Split('\n'))
                Terminal.Say(line);
            return e.ExitCode;
        }
        catch (HttpIOException)
        {
            Terminal.Say("the log sink has ended in the middle of its answer: see 'gatehouse status'");
            return ExitCodes.Unavailable;
        }
        catch (OperationCanceledException)
        {
            return 130;
        }
        catch (Exception e) when (e is UnauthorizedAccessException)
        {
            Terminal.Say(e.Message);
            return ExitCodes.NotPermitted;
        }
        catch (Exception e)
        {
            Terminal.Say($"internal error: {e.GetType().Name}: {e.Message}. Set GATEHOUSE_DEBUG=1 for where, and report it.");
            if (Environment.GetEnvironmentVariable("GATEHOUSE_DEBUG") == "1")
                Console.Error.WriteLine(e);
            return ExitCodes.Internal;
        }
    }
}
