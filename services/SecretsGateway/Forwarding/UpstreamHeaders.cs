using System.Collections.Frozen;
using System.Net.Http.Headers;
using Gatehouse.Policy.Secrets;
using Gatehouse.SecretsGateway.Credentials;

namespace Gatehouse.SecretsGateway.Forwarding;

/// <summary>What of the upstream's headers does not reach the agent.</summary>
internal static class UpstreamHeaders
{
    /// <summary>The status line, among names of fields.</summary>
    public const string Status = "(status)";

    /// <summary>The body, among names of fields.</summary>
    public const string Body = "(body)";

    private static readonly FrozenSet<string> s_stripped = FrozenSet.Create(
        StringComparer.OrdinalIgnoreCase,
        // A session of the person's account, which the agent could use elsewhere.
        "Set-Cookie", "Set-Cookie2",
        // About the upstream's own origin, read as if about the gateway's.
        "Alt-Svc", "Strict-Transport-Security", "Public-Key-Pins", "Clear-Site-Data", "Expect-CT", "NEL", "Report-To",
        "Connection", "Keep-Alive", "TE", "Trailer", "Upgrade", "Proxy-Authenticate", "Proxy-Authentication-Info", "Proxy-Connection");

    /// <summary>Prunes an answer, and says what it took out because it led away or showed the credential.</summary>
    /// <param name="response">The answer.</param>
    /// <param name="requested">What was asked for: relative redirects are relative to it.</param>
    /// <param name="secret">Whose upstream it is.</param>
    /// <param name="credential">What must not show.</param>
    public static PrunedHeaders Prune(HttpResponseMessage response, Uri requested, SecretPolicy secret, SecretValue credential)
    {
        var pruned = new PrunedHeaders([], []);
        // First, and of all of them: a field that would have been taken out for another reason showed it none the less.
        RemoveCredential(response.Headers, credential, pruned);
        RemoveCredential(response.Content.Headers, credential, pruned);
        // Free text that nobody needs; HTTP/2 has none.
        if (credential.IsIn(response.ReasonPhrase))
            pruned.Reflected.Add(Status);
        response.ReasonPhrase = null;
        Strip(response.Headers);
        RewriteLocation(response.Headers, requested, secret, pruned.Removed);
        // Again: dot segments that are resolved can leave together what stood apart.
        RemoveCredential(response.Headers, credential, pruned);
        return pruned;
    }

    /// <summary>
    /// The encoding in which a body can not be searched, or null. Those that the client asks for it has taken off already, and their names with them (RFC 9110 §8.4).
    /// </summary>
    public static string? Encoding(HttpResponseMessage response)
    {
        var content = response.Content.Headers.NonValidated.TryGetValues("Content-Encoding", out var encodings) ? encodings : default;
        var transfer = response.Headers.NonValidated.TryGetValues("Transfer-Encoding", out var codings) ? codings : default;
        return content.SelectMany(Split).FirstOrDefault(each => !each.Equals("identity", StringComparison.OrdinalIgnoreCase))
            ?? transfer.SelectMany(Split).FirstOrDefault(each => !each.Equals("chunked", StringComparison.OrdinalIgnoreCase));

        static string[] Split(string value) => value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
    }

    private static void Strip(HttpResponseHeaders headers)
    {
        // Connection nominates headers for this hop alone (RFC 9110 §7.6.1).
        var nominated = headers.NonValidated.TryGetValues("Connection", out var values)
            ? values.SelectMany(value => value.Split(',', StringSplitOptions.TrimEntries)).ToHashSet(StringComparer.OrdinalIgnoreCase)
            : [];
        var names = headers.NonValidated.Select(header => header.Key).ToList();
        foreach (var name in names.Where(name => s_stripped.Contains(name) || nominated.Contains(name)))
            headers.Remove(name);
    }

    private static void RewriteLocation(HttpResponseHeaders headers, Uri requested, SecretPolicy secret, List<string> removed)
    {
        // As sent: what does not parse as a URL here may do so at the agent.
        if (!headers.NonValidated.TryGetValues("Location", out var values))
            return;
        var locations = values.ToList();
        headers.Remove("Location");
        if (locations is [var location] && Redirect.TryRewrite(location, requested, secret, out var rewritten))
            headers.TryAddWithoutValidation("Location", rewritten);
        else
            removed.Add("Location");
    }

    private static void RemoveCredential(HttpHeaders headers, SecretValue credential, PrunedHeaders pruned)
    {
        var showing = headers.NonValidated.Where(header =>
            credential.IsIn(header.Key) || header.Value.Any(value => credential.IsIn(value)));
        foreach (var name in showing.Select(header => header.Key).ToList())
        {
            headers.Remove(name);
            var shown = credential.IsIn(name) ? credential.ToString() : name;
            pruned.Removed.Add(shown);
            pruned.Reflected.Add(shown);
        }
    }
}

/// <param name="Removed">Names of fields that led away or showed the credential.</param>
/// <param name="Reflected">Those that showed the credential, and <see cref="UpstreamHeaders.Status"/> or <see cref="UpstreamHeaders.Body"/>.</param>
internal sealed record PrunedHeaders(List<string> Removed, List<string> Reflected);
