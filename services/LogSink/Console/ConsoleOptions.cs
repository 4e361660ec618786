using Microsoft.Extensions.Options;

namespace Gatehouse.LogSink.Console;

/// <summary>Configuration <c>LogSink:Console:*</c>.</summary>
internal sealed class ConsoleOptions
{
    public const string Section = "LogSink:Console";

    /// <summary>Records of a session that a filter looks through before it asks whether to go on: a third of a second on two cores.</summary>
    public int SearchRecords { get; set; } = 200_000;
}

internal sealed class ConsoleOptionsValidation : IValidateOptions<ConsoleOptions>
{
    public ValidateOptionsResult Validate(string? name, ConsoleOptions options) => options.SearchRecords is >= 1_000 and <= 10_000_000
        ? ValidateOptionsResult.Success
        : ValidateOptionsResult.Fail($"{ConsoleOptions.Section}:SearchRecords is {options.SearchRecords}: write 1000 to 10000000");
}
