using System.Net;
using Microsoft.Extensions.Options;

namespace Gatehouse.DnsResolver.Upstream;

/// <summary>Configuration section <c>DnsResolver</c>.</summary>
internal sealed class ResolverOptions
{
    /// <summary>Name servers, <c>address</c> or <c>address:port</c>; empty: the system's.</summary>
    public string[] Upstreams { get; set; } = [];

    /// <summary>For one answer of one server, as resolv.conf(5) has it halved: an agent waits behind it.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(2.5);

    /// <summary>Names that are remembered over all sessions.</summary>
    public int CacheEntries { get; set; } = 10_000;

    public IEnumerable<IPEndPoint> EndPoints => Upstreams.Select(text => Parse(text)!);

    private static IPEndPoint? Parse(string text) =>
        !IPEndPoint.TryParse(text, out var endPoint) ? null : endPoint.Port == 0 ? new(endPoint.Address, 53) : endPoint;

    internal sealed class Validation : IValidateOptions<ResolverOptions>
    {
        public ValidateOptionsResult Validate(string? name, ResolverOptions options)
        {
            List<string> errors = [];
            errors.AddRange(options.Upstreams.Where(text => Parse(text) is null)
                .Select(text => $"DnsResolver:Upstreams has '{text}': write an address such as 9.9.9.9 or 127.0.0.1:5353"));
            if (options.Timeout < TimeSpan.FromMilliseconds(100) || options.Timeout > TimeSpan.FromSeconds(30))
                errors.Add("DnsResolver:Timeout must be 0.1 to 30 seconds: write for example 00:00:02.5");
            if (options.CacheEntries is < 0 or > 1_000_000)
                errors.Add("DnsResolver:CacheEntries must be 0 to 1,000,000");
            return errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors);
        }
    }
}
