using Microsoft.Extensions.Options;

namespace Gatehouse.LogSink.Console;

/// <summary>Configuration <c>LogSink:Console:*</c>.</summary>
internal sealed class ConsoleOptions
{
    public const string Section = "LogSink:Console";

    /// <summary>Records of a session that a filter looks through before it asks whether to go on: a third of a second on two cores.</summary>
    public int SearchRecords { get; set; } = 200_000;

    /// <summary>Seconds that the command may take to show something: a person waits for it. What changes files has no such bound.</summary>
    public int CommandSeconds { get; set; } = 60;
}

internal sealed class ConsoleOptionsValidation : IValidateOptions<ConsoleOptions>
{
    public ValidateOptionsResult Validate(string? name, ConsoleOptions options)
    {
        List<string> problems = [];
        if (options.SearchRecords is < 1_000 or > 10_000_000)
            problems.Add($"{ConsoleOptions.Section}:SearchRecords is {options.SearchRecords}: write 1000 to 10000000");
        if (options.CommandSeconds is < 1 or > 3_600)
            problems.Add($"{ConsoleOptions.Section}:CommandSeconds is {options.CommandSeconds}: write 1 to 3600");
        return problems.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(problems);
    }
}
