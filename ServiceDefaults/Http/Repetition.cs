using Microsoft.Extensions.DependencyInjection;

namespace Gatehouse.ServiceDefaults.Http;

/// <summary>Which requests may be sent again when the first try failed.</summary>
public static class Repetition
{
    /// <summary>The option by which a caller without a reference to this library says the same as <see cref="MarkRepeatable"/>.</summary>
    public const string OptionName = "Gatehouse.Repeatable";

    private static readonly HttpRequestOptionsKey<bool> s_option = new(OptionName);

    /// <summary>
    /// Says that sending <paramref name="request"/> twice does no more than sending it once, whatever its method. Its content must be one
    /// that can be read again (bytes, not a stream).
    /// </summary>
    public static HttpRequestMessage MarkRepeatable(this HttpRequestMessage request)
    {
        ArgumentNullException.ThrowIfNull(request);
        request.Options.Set(s_option, true);
        return request;
    }

    /// <summary>Says so for every request of a client.</summary>
    public static IHttpClientBuilder RepeatUnsafeRequests(this IHttpClientBuilder client) => client.AddHttpMessageHandler(() => new Marker());

    /// <summary>RFC 9110 §9.2.1: the safe methods; §9.2.2's others (PUT, DELETE) must be marked too, since few servers keep the promise.</summary>
    internal static bool IsHarmless(HttpRequestMessage request) =>
        request.Method == HttpMethod.Get || request.Method == HttpMethod.Head || request.Method == HttpMethod.Options
        || (request.Options.TryGetValue(s_option, out var repeatable) && repeatable);

    // It stands inside the retries; they ask only after the first try, when it has marked the request.
    private sealed class Marker : DelegatingHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            base.SendAsync(request.MarkRepeatable(), cancellationToken);
    }
}
