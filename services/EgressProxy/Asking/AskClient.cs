using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using Gatehouse.EgressProxy.Destinations;
using Gatehouse.Gate;

namespace Gatehouse.EgressProxy.Asking;

/// <summary>Asks a person through the log sink. Never throws but when cancelled: whatever goes wrong is no answer.</summary>
internal sealed class AskClient(IHttpClientFactory clients, TimeProvider time)
{
    public const string ClientName = "asks";

    public const int MaxAnswer = 16 * 1024;

    /// <summary>One long poll.</summary>
    public static TimeSpan Poll { get; } = TimeSpan.FromSeconds(25);

    /// <summary>For the sink to take an ask, whether or not the agent waits: one that is given up on its way could not be taken back.</summary>
    private static readonly TimeSpan s_taking = TimeSpan.FromSeconds(5);

    /// <param name="expires">After this, no answer has become no.</param>
    public async Task<AskAnswer> AskAsync(GateSession session, Destination to, string rule, DateTimeOffset expires, CancellationToken cancellationToken)
    {
        var id = Guid.CreateVersion7(time.GetUtcNow());
        var ask = new AskMessage(id, session.Id.Value, "egress", to.ToString(), to.Host.ToString(), to.Port, rule, expires);
        try
        {
            using var http = clients.CreateClient(ClientName);
            using var taking = new CancellationTokenSource(s_taking, time);
            using var response = await http.PostAsJsonAsync(new Uri("/asks", UriKind.Relative), ask, AskClientJson.Default.AskMessage, taking.Token);
            cancellationToken.ThrowIfCancellationRequested();
            if (response.StatusCode != HttpStatusCode.Created)
                return response.StatusCode == HttpStatusCode.TooManyRequests ? AskAnswer.TooMany : AskAnswer.Unavailable;
            return await WaitAsync(http, id, expires, cancellationToken);
        }
        catch (Exception e) when (e is HttpRequestException or JsonException or IOException
            || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return AskAnswer.Unavailable;
        }
        catch (OperationCanceledException)
        {
            await WithdrawAsync(id);
            throw;
        }
    }

    private async Task<AskAnswer> WaitAsync(HttpClient http, Guid id, DateTimeOffset expires, CancellationToken cancellationToken)
    {
        while (true)
        {
            var left = expires - time.GetUtcNow();
            var wait = left < TimeSpan.Zero ? TimeSpan.Zero : left < Poll ? left : Poll;
            var path = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"/asks/{id}?wait={wait.TotalSeconds + 1:0}");
            using var response = await http.GetAsync(new Uri(path, UriKind.Relative), cancellationToken);
            if (response.StatusCode != HttpStatusCode.OK)
                return AskAnswer.Unavailable;
            var status = await response.Content.ReadFromJsonAsync(AskClientJson.Default.AskStatus, cancellationToken);
            switch (status)
            {
                case { State: "allowed" }:
                    return status.Scope == "once" ? AskAnswer.AllowedOnce : AskAnswer.Allowed;
                case { State: "denied" }:
                    return status.Scope == "once" ? AskAnswer.DeniedOnce : AskAnswer.Denied;
                case { State: "waiting" } when left > TimeSpan.Zero:
                    break;
                default:
                    return AskAnswer.Expired;
            }
        }
    }

    /// <summary>So that nobody is asked for nothing.</summary>
    private async Task WithdrawAsync(Guid id)
    {
        try
        {
            using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(2), time);
            using var http = clients.CreateClient(ClientName);
            using var response = await http.DeleteAsync(new Uri($"/asks/{id}", UriKind.Relative), timeout.Token);
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            // It expires by itself.
        }
    }
}

/// <summary>What a person said.</summary>
internal enum AskAnswer
{
    /// <summary>Nobody could be asked.</summary>
    Unavailable,

    TooMany,
    Expired,
    DeniedOnce,
    Denied,
    AllowedOnce,

    /// <summary>For the session, or in the policy.</summary>
    Allowed,
}

/// <summary><c>POST /asks</c>.</summary>
internal sealed record AskMessage(Guid Id, string Session, string Gate, string Subject, string Host, int Port, string Rule, DateTimeOffset Expires);

/// <summary><c>GET /asks/{id}</c>.</summary>
internal sealed record AskStatus(string? State, string? Scope);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(AskMessage))]
[JsonSerializable(typeof(AskStatus))]
internal sealed partial class AskClientJson : JsonSerializerContext;
