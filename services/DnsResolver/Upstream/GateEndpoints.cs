using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Serialization;
using Gatehouse.DnsResolver.Sessions;
using Gatehouse.Policy.Egress;
using Gatehouse.Policy.Names;

namespace Gatehouse.DnsResolver.Upstream;

/// <summary>What the other gates ask: real addresses of allowed names, and names of gate addresses. Not reachable from an enclosure.</summary>
internal static class GateEndpoints
{
    public static void MapGateEndpoints(this WebApplication app)
    {
        var token = Encoding.UTF8.GetBytes("Bearer " + app.Configuration["Gatehouse:Token"]);
        var sessions = app.MapGroup("/sessions/{session}").AddEndpointFilter(async (context, next) =>
            CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(context.HttpContext.Request.Headers.Authorization.ToString()), token)
                ? await next(context)
                : Results.Problem(statusCode: 401, title: "The token is missing or wrong."));
        sessions.MapGet("/resolve/{name}", ResolveAsync);
        sessions.MapGet("/gate-addresses/{address}", (string session, string address, DnsGate gate) =>
            gate.FindTable(session) is { } table && IPAddress.TryParse(address, out var parsed) && table.Find(parsed) is { } name
                ? Results.Ok(new NameAnswer(name.Value))
                : Results.Problem(statusCode: 404, title: "That address stands for no name in that session."));
    }

    private static async Task<IResult> ResolveAsync(string session, string name, bool? approved, DnsGate gate, UpstreamResolver upstream, CancellationToken cancellationToken)
    {
        if (gate.Find(session) is not { } resolver)
            return Results.Problem(statusCode: 404, title: "There is no such session.");
        var egress = resolver.Session.Policy.Egress;
        // 'approved': the egress gate says that a person did. It knows the token, and the policy must still say that one may be asked.
        if (!DomainName.TryParse(name, out var host) || (!egress.AllowsName(host, out var rule) && !(approved == true && egress.AsksAbout(host, out rule))))
            return Results.Problem(statusCode: 403, title: "No rule names this host.");
        if (rule.Connect is { } pinned)
            return Results.Ok(new AddressesAnswer([pinned.Address.ToString()], 60));
        var resolution = await upstream.ResolveAsync(host, cancellationToken);
        if (resolution.Outcome != ResolutionOutcome.Resolved)
        {
            return Results.Problem(statusCode: 502, title: resolution.Outcome == ResolutionOutcome.NoAddress ? "The name has no address." : "No name server answered.",
                extensions: [new("reason", resolution.Outcome == ResolutionOutcome.NoAddress ? "no-address" : "upstream-failed")]);
        }

        // DNS rebinding: a public name has no business pointing into this machine or its network.
        var allowed = resolution.Addresses.Where(address => !AddressRanges.IsSpecialPurpose(address) || egress.NamesAddress(address)).Select(address => address.ToString()).ToArray();
        return allowed.Length > 0
            ? Results.Ok(new AddressesAnswer(allowed, (int)resolution.Lifetime.TotalSeconds))
            : Results.Problem(statusCode: 502, title: "The name resolves to private or special addresses only.", extensions: [new("reason", "rebinding")]);
    }
}

internal sealed record AddressesAnswer(string[] Addresses, int TtlSeconds);

internal sealed record NameAnswer(string Name);

[JsonSourceGenerationOptions(System.Text.Json.JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(AddressesAnswer))]
[JsonSerializable(typeof(NameAnswer))]
[JsonSerializable(typeof(Microsoft.AspNetCore.Mvc.ProblemDetails))]
internal sealed partial class ResolverJson : JsonSerializerContext;
