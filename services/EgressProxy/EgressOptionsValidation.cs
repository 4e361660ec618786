using Microsoft.Extensions.Options;

namespace Gatehouse.EgressProxy;

/// <summary>All errors at once, each with its key and what to write.</summary>
internal sealed class EgressOptionsValidation : IValidateOptions<EgressOptions>
{
    private static readonly TimeSpan Longest = TimeSpan.FromDays(1);

    public ValidateOptionsResult Validate(string? name, EgressOptions options)
    {
        List<string> errors = [];
        Check(options.HeadTimeout, nameof(options.HeadTimeout), errors);
        Check(options.IdleTimeout, nameof(options.IdleTimeout), errors);
        Check(options.DialTimeout, nameof(options.DialTimeout), errors);
        Check(options.DialTotalTimeout, nameof(options.DialTotalTimeout), errors);
        Check(options.ResolverTimeout, nameof(options.ResolverTimeout), errors);
        if (!options.Resolver.IsAbsoluteUri || options.Resolver.Scheme != Uri.UriSchemeHttp)
            errors.Add($"{EgressOptions.Section}:{nameof(options.Resolver)} must be an http URL, such as http://dns-resolver");
        if (!options.Sink.IsAbsoluteUri || options.Sink.Scheme is not ("http" or "https"))
            errors.Add($"{EgressOptions.Section}:{nameof(options.Sink)} must be an http URL, such as http://log-sink");
        if (options.HeldConnections is < 1 or > 1_024)
            errors.Add($"{EgressOptions.Section}:{nameof(options.HeldConnections)} must be 1 to 1024");
        Check(options.AskAgainAfter, nameof(options.AskAgainAfter), errors);
        if (options.PacketEventsPerSecond is < 1 or > 100_000)
            errors.Add($"{EgressOptions.Section}:{nameof(options.PacketEventsPerSecond)} must be 1 to 100000");
        return errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors);
    }

    private static void Check(TimeSpan value, string key, List<string> errors)
    {
        if (value <= TimeSpan.Zero || value > Longest)
            errors.Add($"{EgressOptions.Section}:{key} must be a time span above zero and at most a day, such as 00:00:10");
    }
}
