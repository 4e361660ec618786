using Microsoft.Extensions.Options;

namespace Gatehouse.SecretsGateway;

/// <summary>Configuration section <c>SecretsGateway</c>.</summary>
internal sealed class GatewayOptions
{
    public const string Section = "SecretsGateway";

    /// <summary>Bytes of one request's body: a model's whole context with images in it.</summary>
    public long MaxRequestBodyBytes { get; set; } = 64 * 1024 * 1024;

    /// <summary>Requests of one session at a time: an agent's tools in parallel, many times over.</summary>
    public int MaxConcurrentRequests { get; set; } = 256;

    /// <summary>Bytes of one request's headers; 32 KiB is what Kestrel and most servers take.</summary>
    public int MaxRequestHeadersBytes { get; set; } = 32 * 1024;

    /// <summary>From a request's first byte to the end of its headers: the agent is on this machine.</summary>
    public TimeSpan RequestHeadersTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a connection may wait for its next request; Kestrel's default is 130 s.</summary>
    public TimeSpan KeepAliveTimeout { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>For name, TCP and TLS of the upstream.</summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long neither side may say anything: an answer pauses for minutes while a model thinks.</summary>
    public TimeSpan ActivityTimeout { get; set; } = TimeSpan.FromMinutes(10);

    internal sealed class Validation : IValidateOptions<GatewayOptions>
    {
        public ValidateOptionsResult Validate(string? name, GatewayOptions options)
        {
            List<string> errors = [];
            if (options.MaxRequestBodyBytes is < 0 or > 16L << 30)
                errors.Add($"{Section}:{nameof(MaxRequestBodyBytes)} must be 0 to 17179869184 (16 GiB)");
            if (options.MaxConcurrentRequests is < 1 or > 1024)
                errors.Add($"{Section}:{nameof(MaxConcurrentRequests)} must be 1 to 1024: a session has no more connections");
            if (options.MaxRequestHeadersBytes is < 1024 or > 1024 * 1024)
                errors.Add($"{Section}:{nameof(MaxRequestHeadersBytes)} must be 1024 to 1048576");
            Check(nameof(RequestHeadersTimeout), options.RequestHeadersTimeout, TimeSpan.FromMinutes(5));
            Check(nameof(KeepAliveTimeout), options.KeepAliveTimeout, TimeSpan.FromHours(1));
            Check(nameof(ConnectTimeout), options.ConnectTimeout, TimeSpan.FromMinutes(5));
            Check(nameof(ActivityTimeout), options.ActivityTimeout, TimeSpan.FromHours(24));
            return errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors);

            void Check(string key, TimeSpan value, TimeSpan most)
            {
                if (value < TimeSpan.FromMilliseconds(100) || value > most)
                    errors.Add($"{Section}:{key} must be 0.1 seconds to {most:c}: write for example 00:00:10");
            }
        }
    }
}
