using System.Collections.Immutable;
using System.Diagnostics;
using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Gatehouse.Gate;
using Gatehouse.Policy.Names;

namespace Gatehouse.EgressProxy.Upstream;

/// <summary>
/// The resolver's endpoint for gates: names to addresses, gate addresses to names. The only way a name is ever resolved here, and
/// only names that the policy allows are asked for.
/// </summary>
internal sealed partial class ResolverClient(IHttpClientFactory clients, ILogger<ResolverClient> logger)
{
    public const string ClientName = "resolver";

    /// <summary>The longest answer that is read: sixteen addresses have less than a kilobyte.</summary>
    public const int MaxAnswer = 64 * 1024;

    /// <summary>More addresses than this are not tried, and hardly any name has them.</summary>
    private const int MaxAddresses = 16;

    /// <param name="session">Whose name it is.</param>
    /// <param name="name">Allowed by a rule, or by a person.</param>
    /// <param name="isApproved">A person allowed it: the resolver takes this gate's word.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <summary>The addresses of an allowed name, in the resolver's order; never empty without a failure.</summary>
    public async Task<(ImmutableArray<IPAddress> Addresses, UpstreamFailure Failure)> ResolveAsync(
        GateSession session, DomainName name, bool isApproved, CancellationToken cancellationToken)
    {
        var (status, answer) = await GetAsync(
            $"/sessions/{session.Id}/resolve/{Uri.EscapeDataString(name.Value)}{(isApproved ? "?approved=true" : "")}", ResolverJson.Default.ResolvedAddresses, cancellationToken);
        var failure = status switch
        {
            HttpStatusCode.OK when answer is not null => UpstreamFailure.None,
            HttpStatusCode.Forbidden => UpstreamFailure.NotAllowed,
            HttpStatusCode.BadGateway => UpstreamFailure.NotResolved,
            _ => UpstreamFailure.ResolverUnavailable,
        };
        if (failure != UpstreamFailure.None)
            return ([], failure);

        var addresses = ImmutableArray.CreateBuilder<IPAddress>();
        foreach (var text in answer!.Addresses.Take(MaxAddresses))
        {
            if (IPAddress.TryParse(text, out var address))
                addresses.Add(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address);
        }

        return (addresses.ToImmutable(), addresses.Count == 0 ? UpstreamFailure.NotResolved : UpstreamFailure.None);
    }

    /// <summary>The name that an address stands for in this session; null when it stands for none.</summary>
    public async Task<(DomainName? Name, bool IsAvailable)> NameOfAsync(GateSession session, IPAddress address, CancellationToken cancellationToken)
    {
        var (status, answer) = await GetAsync(
            $"/sessions/{session.Id}/gate-addresses/{address}", ResolverJson.Default.GateAddressName, cancellationToken);
        return status switch
        {
            HttpStatusCode.OK when answer is not null && DomainName.TryParse(answer.Name, out var name) => (name, true),
            HttpStatusCode.NotFound => (null, true),
            _ => (null, false),
        };
    }

    /// <summary>Status null: no answer, or one that can not be read.</summary>
    private async Task<(HttpStatusCode? Status, T? Answer)> GetAsync<T>(string path, JsonTypeInfo<T> type, CancellationToken cancellationToken)
        where T : class
    {
        try
        {
            using var http = clients.CreateClient(ClientName);
            // Whoever asks is no part of a trace (a tunnel), or its span is not kept: each would be a trace of its own.
            using var quiet = new Activity("resolve").Start();
            using var response = await http.GetAsync(new Uri(path, UriKind.Relative), cancellationToken);
            if (response.StatusCode != HttpStatusCode.OK)
            {
                if (response.StatusCode is not (HttpStatusCode.NotFound or HttpStatusCode.Forbidden or HttpStatusCode.BadGateway))
                    Log.Unexpected(logger, path, (int)response.StatusCode);
                return (response.StatusCode, null);
            }

            return (HttpStatusCode.OK, await response.Content.ReadFromJsonAsync(type, cancellationToken));
        }
        catch (Exception e) when (e is HttpRequestException or JsonException or IOException
            || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            Log.Unavailable(logger, path, e.Message);
            return (null, null);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "The resolver answered {Path} with {Status}")]
        public static partial void Unexpected(ILogger logger, string path, int status);

        [LoggerMessage(2, LogLevel.Warning, "The resolver did not answer {Path}: {Problem}")]
        public static partial void Unavailable(ILogger logger, string path, string problem);
    }
}
