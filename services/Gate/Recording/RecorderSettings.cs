using System.Globalization;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Gatehouse.Gate.Recording;

/// <summary>Section <c>Recorder</c> into options. Read by hand: the binder would need reflection where this library is compiled ahead of time.</summary>
internal sealed class RecorderSettings(IConfiguration configuration) : IConfigureOptions<RecorderOptions>, IValidateOptions<RecorderOptions>
{
    /// <summary>One event at its largest is just under a megabyte: less room than that would take none.</summary>
    private const long LeastSpool = 1024 * 1024;

    private const int LeastQueue = 16, MostQueue = 1_000_000;

    private readonly IConfigurationSection _section = configuration.GetSection("Recorder");

    public void Configure(RecorderOptions options)
    {
        options.SpoolDirectory = _section["SpoolDirectory"];
        if (int.TryParse(_section["QueueLength"], CultureInfo.InvariantCulture, out var length))
            options.QueueLength = length;
        if (long.TryParse(_section["SpoolBytes"], CultureInfo.InvariantCulture, out var bytes))
            options.SpoolBytes = bytes;
        if (Uri.TryCreate(_section["Sink"], UriKind.Absolute, out var sink))
            options.Sink = sink;
    }

    public ValidateOptionsResult Validate(string? name, RecorderOptions options)
    {
        var errors = new List<string>();
        if (options.QueueLength is < LeastQueue or > MostQueue || IsNot("QueueLength", text => int.TryParse(text, CultureInfo.InvariantCulture, out _)))
            errors.Add($"Recorder:QueueLength must be {LeastQueue} to {MostQueue} events.");
        if (options.SpoolBytes < LeastSpool || IsNot("SpoolBytes", text => long.TryParse(text, CultureInfo.InvariantCulture, out _)))
            errors.Add($"Recorder:SpoolBytes must be at least {LeastSpool} bytes.");
        if (options.Sink.Scheme is not ("http" or "https") || IsNot("Sink", text => Uri.TryCreate(text, UriKind.Absolute, out _)))
            errors.Add("Recorder:Sink must be an http or https URL, such as http://log-sink.");
        if (string.IsNullOrEmpty(configuration["Gatehouse:Token"]))
            errors.Add("Gatehouse:Token is not set: the AppHost gives every service the same; set Gatehouse__Token to run one alone.");
        return errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors);
    }

    private bool IsNot(string key, Func<string, bool> valid) => _section[key] is { } text && !valid(text);
}
