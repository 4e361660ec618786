using System.Net;
using System.Net.Http.Headers;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Gatehouse.Gate.Recording;

/// <summary>What became of a batch.</summary>
internal enum Delivery
{
    /// <summary>Stored durably.</summary>
    Stored,

    /// <summary>The sink is not there, or can not store now: try again.</summary>
    Unavailable,

    /// <summary>A line of it is malformed: trying again would not help.</summary>
    Malformed,
}

/// <summary>Posts batches to the log sink.</summary>
internal sealed class SinkClient(IHttpClientFactory clients, IConfiguration configuration, IOptions<RecorderOptions> options)
{
    public const string ClientName = "log-sink";

    private static readonly MediaTypeHeaderValue s_lines = new("application/x-ndjson");
    private static readonly TimeSpan s_within = TimeSpan.FromSeconds(10);

    private readonly AuthenticationHeaderValue _token = new("Bearer", configuration["Gatehouse:Token"]);

    public async Task<Delivery> PostAsync(ReadOnlyMemory<byte> lines, CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(s_within);
        try
        {
            using var client = clients.CreateClient(ClientName);
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(options.Value.Sink, "/events"))
            {
                Content = new ReadOnlyMemoryContent(lines) { Headers = { ContentType = s_lines } },
            };
            request.Headers.Authorization = _token;
            using var response = await client.SendAsync(request, timeout.Token);
            return response.StatusCode switch
            {
                HttpStatusCode.OK => Delivery.Stored,
                HttpStatusCode.BadRequest or HttpStatusCode.RequestEntityTooLarge => Delivery.Malformed,
                _ => Delivery.Unavailable,
            };
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            return Delivery.Unavailable;
        }
    }

    /// <summary>Whether the sink answers that it is ready.</summary>
    public async Task<bool> IsReadyAsync(CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(s_within);
        try
        {
            using var client = clients.CreateClient(ClientName);
            using var response = await client.GetAsync(new Uri(options.Value.Sink, "/health"), timeout.Token);
            return response.IsSuccessStatusCode;
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            return false;
        }
    }
}
