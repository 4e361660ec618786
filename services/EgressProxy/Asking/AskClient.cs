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

    /// <param name="within">After this, no answer has become no.</param>
    public async Task<AskAnswer> AskAsync(GateSession session, Destination to, string rule, TimeSpan within, CancellationToken cancellationToken)
    {
        var (begun, now) = (time.GetTimestamp(), time.GetUtcNow());
        var id = Guid.CreateVersion7(now);
        var ask = new AskMessage(id, session.Id.Value, "egress", to.ToString(), to.Host.ToString(), to.Port, rule, now + within);
        try
        {
            using var http = clients.CreateClient(ClientName);
            using var taking = new CancellationTokenSource(s_taking, time);
            using var response = await http.PostAsJsonAsync(new Uri("/asks", UriKind.Relative), ask, AskClientJson.Default.AskMessage, taking.Token);
            cancellationToken.ThrowIfCancellationRequested();
            if (response.StatusCode != HttpStatusCode.Created)
                return response.StatusCode == HttpStatusCode.TooManyRequests ? AskAnswer.TooMany : AskAnswer.Unavailable;
            return await WaitAsync(http, id, begun, within, cancellationToken);
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

    private async Task<AskAnswer> WaitAsync(HttpClient http, Guid id, long begun, TimeSpan within, CancellationToken cancellationToken)
    {
        while (true)
        {
            // Not by the clock: one that is set back would hold connections for hours.
            var left = within - time.GetElapsedTime(begun);
            var wait = left < TimeSpan.Zero ? TimeSpan.Zero : left < Poll ? left : Poll;
            var path = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"/asks/{id}?wait={wait.TotalSeconds + 1:0}");
            using var response = await http.GetAsync(new Uri(path, UriKind.Relative), cancellationToken);
            if (response.StatusCode != HttpStatusCode.OK)
                return AskAnswer.Unavailable;
            var status = await response.Content.ReadFromJsonAsync(AskClientJson.Default.AskStatus, cancellationToken);
            switch (status)
            {
                case { State: "allowed" }:
                    return status.Scope switch { "once" => AskAnswer.AllowedOnce, "always" => AskAnswer.AllowedAlways, _ => AskAnswer.Allowed };
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

    /// <summary>For the session.</summary>
    Allowed,

    /// <summary>By a rule that is in the policy file now.</summary>
    AllowedAlways,
}

/// <summary><c>POST /asks</c>.</summary>
internal sealed record AskMessage(Guid Id, string Session, string Gate, string Subject, string Host, int Port, string Rule, DateTimeOffset Expires);

/// <summary><c>GET /asks/{id}</c>.</summary>
internal sealed record AskStatus(string? State, string? Scope);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(AskMessage))]
[JsonSerializable(typeof(AskStatus))]
internal sealed partial class AskClientJson : JsonSerializerContext;
