using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Gatehouse.Gate.Recording;

/// <summary>What became of a batch.</summary>
internal enum Delivery
{
    /// <summary>The sink is not there, or can not store now: try again.</summary>
    Unavailable,

    /// <summary>Stored durably.</summary>
    Stored,

    /// <summary>A line of it is malformed, or it is too large: trying again would not help.</summary>
    Malformed,
}

/// <summary>Talks to the log sink. Never throws but when cancelled: what can go wrong is <see cref="Delivery.Unavailable"/>.</summary>
internal sealed class SinkClient(IHttpClientFactory clients, IConfiguration configuration, IOptions<RecorderOptions> options, TimeProvider time)
{
    /// <summary>Of the client that the host configures.</summary>
    public const string ClientName = "log-sink";

    /// <summary>As long as the sink itself waits for its disk.</summary>
    private static readonly TimeSpan s_postWithin = TimeSpan.FromSeconds(10);

    /// <summary>A sink on the same machine that takes longer to answer a question is stuck.</summary>
    private static readonly TimeSpan s_probeWithin = TimeSpan.FromSeconds(2);

    private static readonly MediaTypeHeaderValue s_lines = new("application/x-ndjson");

    private readonly AuthenticationHeaderValue _token = new("Bearer", configuration["Gatehouse:Token"]);

    public Task<Delivery> PostAsync(ReadOnlyMemory<byte> lines, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Post, "/events", new ReadOnlyMemoryContent(lines) { Headers = { ContentType = s_lines } }, s_postWithin, cancellationToken);

    /// <summary>Whether the sink answers, with our token: a question that needs both its database and the token, unlike its health.</summary>
    public async Task<bool> IsReadyAsync(CancellationToken cancellationToken) =>
        await SendAsync(HttpMethod.Get, "/events?limit=1", null, s_probeWithin, cancellationToken) == Delivery.Stored;

    private async Task<Delivery> SendAsync(HttpMethod method, string path, HttpContent? content, TimeSpan within, CancellationToken cancellationToken)
    {
        // Probes and deliveries come for ever, and belong to no session: a parent that nobody records keeps them, here and at the sink, out of the traces.
        using var quiet = new Activity("record").Start();
        using var timeout = new CancellationTokenSource(within, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            using var client = clients.CreateClient(ClientName);
            using var request = new HttpRequestMessage(method, new Uri(options.Value.Sink, path)) { Content = content };
            request.Headers.Authorization = _token;
            using var response = await client.SendAsync(request, either.Token);
            return response.StatusCode switch
            {
                HttpStatusCode.OK => Delivery.Stored,
                HttpStatusCode.BadRequest or HttpStatusCode.RequestEntityTooLarge => Delivery.Malformed,
                _ => Delivery.Unavailable,
            };
        }
        catch (Exception) when (!cancellationToken.IsCancellationRequested)
        {
            // Not only HttpRequestException: handlers that the host adds (resilience, discovery) have exceptions of their own.
            return Delivery.Unavailable;
        }
    }
}
