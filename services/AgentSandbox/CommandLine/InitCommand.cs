using System.CommandLine;
using Gatehouse.AgentSandbox.Launch;
using Gatehouse.Policy;

namespace Gatehouse.AgentSandbox.CommandLine;

/// <summary><c>gatehouse init [--for AGENT]</c></summary>
internal static class InitCommand
{
    public static Command Create()
    {
        var agent = new Option<string>("--for") { Description = "Agent to write it for: " + string.Join(", ", PolicyTemplates.Names), DefaultValueFactory = _ => "generic" };
        agent.AcceptOnlyFromAmong([.. PolicyTemplates.Names]);
        var force = new Option<bool>("--force") { Description = "Replace a gatehouse.yaml that is there" };
        var init = new Command("init", "Writes a commented gatehouse.yaml into the working directory.") { agent, force };
        init.SetAction(parsed =>
        {
            var path = Path.Combine(Environment.CurrentDirectory, LoadedPolicy.FileName);
            if (File.Exists(path) && !parsed.GetValue(force))
                throw new LaunchException(ExitCodes.Usage, $"{path} is there already: edit it, or replace it with --force");
            File.WriteAllText(path, PolicyTemplates.Get(parsed.GetValue(agent)!));
            Console.Out.WriteLine($"{LoadedPolicy.FileName} written. Read it, then: gatehouse run");
            return 0;
        });
        return init;
    }
}
