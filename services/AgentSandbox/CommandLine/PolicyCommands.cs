using System.CommandLine;
using Gatehouse.AgentSandbox.Launch;
using Gatehouse.Policy;

namespace Gatehouse.AgentSandbox.CommandLine;

/// <summary><c>gatehouse policy check | explain | schema | learn</c></summary>
internal static class PolicyCommands
{
    public static Command Create()
    {
        var command = new Command("policy", "Checks and explains policies.");
        command.Add(Check());
        command.Add(Explain());
        command.Add(Schema());
        command.Add(LearnCommand.Create());
        return command;
    }

    private static Command Check()
    {
        var file = new Argument<FileInfo?>("file") { Description = "Policy file; default: the nearest gatehouse.yaml", Arity = ArgumentArity.ZeroOrOne };
        var command = new Command("check", "Reports every error of a policy, with line and column. Exit code 65 when there is one.") { file };
        command.SetAction(parsed =>
        {
            var policy = Load(parsed.GetValue(file)?.FullName);
            Console.Out.WriteLine($"{policy.Path}: {policy.Policy.Egress.Allow.Length} egress rules, {policy.Policy.Secrets.Length} secrets, {policy.Policy.Filesystem.Workspaces.Length} workspaces: no errors");
            return 0;
        });
        return command;
    }

    private static Command Explain()
    {
        var target = new Argument<string>("target") { Description = "URL, host, host:port or address" };
        var file = new Option<FileInfo?>("--policy", "-p") { Description = "Policy file; default: the nearest gatehouse.yaml" };
        var command = new Command("explain", "Says whether the agent may reach something, by which rule, and what to write when it may not. Exit code 77 when denied.") { target, file };
        command.SetAction(parsed =>
        {
            var explanation = PolicyExplainer.Explain(Load(parsed.GetValue(file)?.FullName).Policy, parsed.GetValue(target)!);
            Console.Out.WriteLine(explanation.ToString());
            return explanation.Verdict.IsAllowed ? 0 : ExitCodes.NotPermitted;
        });
        return command;
    }

    private static Command Schema()
    {
        var command = new Command("schema", "Prints the JSON Schema of gatehouse.yaml, for editors.");
        command.SetAction(_ =>
        {
            Console.Out.WriteLine(PolicySchema.Json());
            return 0;
        });
        return command;
    }

    private static LoadedPolicy Load(string? path) => LoadedPolicy.Load(path ?? LoadedPolicy.Locate(Environment.CurrentDirectory)
        ?? throw new LaunchException(ExitCodes.BadPolicy, "there is no gatehouse.yaml here or above: write one with 'gatehouse init'"));
}
