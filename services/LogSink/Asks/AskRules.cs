using System.Globalization;
using Gatehouse.Gate;
using Gatehouse.Policy.Names;

namespace Gatehouse.LogSink.Asks;

/// <summary>What a gate may send. The host is what a person decides on and what goes into the policy file, so it is parsed again here.</summary>
internal static class AskRules
{
    private const int MostText = 2_048;

    /// <returns>What is wrong, or null.</returns>
    public static string? Read(AskRequest? request, out Ask ask)
    {
        ask = null!;
        if (request is null)
            return "the body must be an object";
        if (!Guid.TryParseExact(request.Id, "D", out var id) || id.Version != 7)
            return "id must be a UUIDv7";
        if (!SessionId.TryParse(request.Session, out _))
            return "session must be a session id";
        if (request.Gate is not "egress")
            return "gate must be egress";
        if (request.Port is < 1 or > 65535)
            return "port must be 1 to 65535";
        if (request.Subject is not { Length: > 0 and <= MostText } || request.Rule is { Length: > MostText })
            return $"subject and rule have at most {MostText} characters";
        string host;
        if (IpLiteral.TryParse(request.Host, out var address))
            host = address.ToString();
        else if (DomainName.TryParse(request.Host, out var name))
            host = name.Value;
        else
            return "host must be a name or an address";
        // Made here: what a person reads is what the answer is for.
        var subject = string.Create(CultureInfo.InvariantCulture, $"{(host.Contains(':', StringComparison.Ordinal) ? $"[{host}]" : host)}:{request.Port}");
        ask = new(id.ToString("D"), request.Session!, request.Gate, subject, host, request.Port, request.Rule, default, request.Expires);
        return null;
    }
}
