using System.CommandLine;
using System.Text.Json;
using Gatehouse.AgentSandbox.Doctor;
using Gatehouse.AgentSandbox.Launch;
using Gatehouse.Policy.Agent;

namespace Gatehouse.AgentSandbox.CommandLine;

/// <summary><c>gatehouse doctor [--json]</c></summary>
internal static class DoctorCommand
{
    public static Command Create()
    {
        var json = new Option<bool>("--json") { Description = "One object a line" };
        var command = new Command("doctor", "Says what this machine can do, what is missing for each isolation, and the command that mends it. Ends with 69 when no isolation works.") { json };
        command.SetAction(async (parsed, _) =>
        {
            var findings = await Machine.ExamineAsync();
            if (parsed.GetValue(json))
            {
                foreach (var finding in findings)
                    Console.Out.WriteLine(JsonSerializer.Serialize(finding, FindingJson.Default.Finding));
            }
            else
            {
                Write(findings);
            }

            return Enum.GetValues<Isolation>().Any(isolation => Works(findings, isolation)) ? 0 : ExitCodes.Unavailable;
        });
        return command;
    }

    private static void Write(List<Finding> findings)
    {
        foreach (var group in findings.GroupBy(finding => finding.Isolation))
        {
            Console.Out.WriteLine(group.Key is { } isolation
                ? $"isolation: {isolation.ToString().ToLowerInvariant()}: {(Works(findings, isolation) ? "works" : "does not work here")}"
                : "this machine");
            foreach (var finding in group)
            {
                Console.Out.WriteLine($"  {Mark(finding.Level)} {finding.Name,-16} {Printable.Line(finding.Detail)}");
                if (finding.Fix is { } fix)
                    Console.Out.WriteLine($"      {"",-15} → {fix}");
            }
        }
    }

    private static bool Works(List<Finding> findings, Isolation isolation) => !findings.Exists(finding => finding.Isolation == isolation && finding.Level == FindingLevel.Missing);

    private static string Mark(FindingLevel level) => level switch { FindingLevel.Ok => "ok ", FindingLevel.Limited => "~  ", _ => "NO " };
}
