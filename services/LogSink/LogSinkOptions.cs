using Gatehouse.LogSink.Forwarding;
using Gatehouse.LogSink.Notifications;
using Gatehouse.LogSink.Store;
using Microsoft.Extensions.Options;

namespace Gatehouse.LogSink;

/// <summary>Configuration <c>LogSink:*</c>, and <c>Gatehouse:Token</c>.</summary>
internal sealed class LogSinkOptions
{
    public const string Section = "LogSink";
    public const string TokenKey = "Gatehouse:Token";

    /// <summary>The database. Default: <c>log/events.db</c> in the state directory.</summary>
    public string Database { get; set; } = "";

    /// <summary>Where the command line finds this sink. Default: <c>log-sink.json</c> in the run directory.</summary>
    public string AddressFile { get; set; } = "";

    /// <summary>Listens on addresses that are not loopback too: for a container, whose network is its own.</summary>
    public bool AllowRemote { get; set; }

    /// <summary>A checkpoint is signed after so many records: 10,000 are read and hashed in a tenth of a second.</summary>
    public int CheckpointRecords { get; set; } = CheckpointInterval.Default.Records;

    /// <summary>…or after so many seconds with an unsigned record: what a signature costs is nothing beside that.</summary>
    public int CheckpointSeconds { get; set; } = (int)CheckpointInterval.Default.After.TotalSeconds;

    internal CheckpointInterval Checkpoints => new(CheckpointRecords, TimeSpan.FromSeconds(CheckpointSeconds));

    /// <summary>What is removed, and when.</summary>
    public RetentionOptions Retention { get; set; } = new();

    /// <summary>Where the record is sent on to, by name.</summary>
    public Dictionary<string, ForwardOptions> Forward { get; set; } = [];

    /// <summary>Who is told of what, by name.</summary>
    public Dictionary<string, NotifyOptions> Notify { get; set; } = [];

    /// <summary>What whoever speaks to the sink must know: <c>Gatehouse:Token</c>.</summary>
    public string Token { get; set; } = "";
}

internal sealed class LogSinkOptionsValidation : IValidateOptions<LogSinkOptions>
{
    public ValidateOptionsResult Validate(string? name, LogSinkOptions options)
    {
        List<string> problems = [];
        if (string.IsNullOrWhiteSpace(options.Token))
            problems.Add("Gatehouse:Token is not set: give every service the same random token (environment Gatehouse__Token)");
        if (options.Token.Any(c => c is <= ' ' or > '~'))
            problems.Add("Gatehouse:Token has a character that no header can carry: use printable ASCII without spaces");
        if (!Path.IsPathFullyQualified(options.Database))
            problems.Add($"LogSink:Database is '{options.Database}': write an absolute path");
        if (!Path.IsPathFullyQualified(options.AddressFile))
            problems.Add($"LogSink:AddressFile is '{options.AddressFile}': write an absolute path");
        if (options.CheckpointRecords is < 1 or > 1_000_000)
            problems.Add($"LogSink:CheckpointRecords is {options.CheckpointRecords}: write 1 to 1000000");
        if (options.CheckpointSeconds is < 1 or > 3_600)
            problems.Add($"LogSink:CheckpointSeconds is {options.CheckpointSeconds}: write 1 to 3600");
        options.Retention.Validate(problems);
        foreach (var (target, each) in options.Forward)
            ForwardOptions.Validate(target, each, problems);
        foreach (var (target, each) in options.Notify)
            NotifyOptions.Validate(target, each, problems);
        return problems.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(problems);
    }
}
