using System.Globalization;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;

namespace Gatehouse.LogSink.Notifications;

/// <summary>Posts the JSON, with the three header fields of standardwebhooks.com when there is a key: <c>webhook-signature: v1,BASE64(HMAC-SHA256(id.time.body))</c>.</summary>
internal sealed class WebhookNotice : IDisposable
{
    private const string KeyPrefix = "whsec_";

    private readonly HttpClient _http = new(new SocketsHttpHandler
    {
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        ActivityHeadersPropagator = null,
        ConnectTimeout = TimeSpan.FromSeconds(5),
        PooledConnectionLifetime = TimeSpan.FromMinutes(2),
    })
    { Timeout = Timeout.InfiniteTimeSpan };

    /// <returns>What went wrong, or null.</returns>
    public async Task<string?> PostAsync(string url, string? secretFile, string id, DateTimeOffset time, byte[] body, TimeSpan within, CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(within);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new ByteArrayContent(body) };
            request.Content.Headers.ContentType = new("application/json");
            request.Headers.UserAgent.Add(new ProductInfoHeaderValue("Gatehouse", null));
            if (secretFile is not null)
            {
                var seconds = time.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
                request.Headers.Add("webhook-id", id);
                request.Headers.Add("webhook-timestamp", seconds);
                request.Headers.Add("webhook-signature", Sign(await File.ReadAllTextAsync(secretFile, timeout.Token), id, seconds, body));
            }

            using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, timeout.Token);
            return response.IsSuccessStatusCode ? null : string.Create(CultureInfo.InvariantCulture, $"HTTP {(int)response.StatusCode}");
        }
        catch (OperationCanceledException)
        {
            return $"no answer in {within.TotalSeconds} s";
        }
        catch (Exception e) when (e is HttpRequestException or IOException or UnauthorizedAccessException or FormatException)
        {
            // Of a key that is no base64, only that.
            return e is FormatException ? "the key in SecretFile is not base64 after whsec_" : e.Message;
        }
    }

    internal static string Sign(string secret, string id, string seconds, byte[] body)
    {
        var text = secret.Trim();
        var key = text.StartsWith(KeyPrefix, StringComparison.Ordinal) ? Convert.FromBase64String(text[KeyPrefix.Length..]) : Encoding.UTF8.GetBytes(text);
        byte[] signed = [.. Encoding.ASCII.GetBytes($"{id}.{seconds}."), .. body];
        return "v1," + Convert.ToBase64String(HMACSHA256.HashData(key, signed));
    }

    public void Dispose() => _http.Dispose();
}
