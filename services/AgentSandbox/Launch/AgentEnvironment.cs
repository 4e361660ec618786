using System.Collections.Immutable;
using System.Text.RegularExpressions;
using Gatehouse.AgentSandbox.Enclosure;
using Gatehouse.Policy;

namespace Gatehouse.AgentSandbox.Launch;

/// <summary>The environment of the agent's program, made from nothing: a few constants, what the policy names, and where the gates are.</summary>
internal static partial class AgentEnvironment
{
    private const string Proxy = "http://198.18.0.1:3128";

    /// <param name="policy">Names what is inherited and exposed.</param>
    /// <param name="caller">Looks up a variable of the caller.</param>
    /// <param name="isTerminal">Whether the agent gets the caller's terminal, and so may know its kind.</param>
    /// <param name="hasBundle">Whether <see cref="SyntheticEtc.CertificateBundle"/> is there.</param>
    public static ImmutableDictionary<string, string> Build(AgentPolicy policy, Func<string, string?> caller, bool isTerminal, bool hasBundle)
    {
        var environment = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            ["HOME"] = BubblewrapArguments.Home,
            ["USER"] = "agent",
            ["LOGNAME"] = "agent",
            ["SHELL"] = "/bin/bash",
            ["LANG"] = "C.UTF-8",
        };
        // The kind of terminal carries nothing but its name, and without it there are no colours.
        foreach (var name in isTerminal ? new[] { "TERM", "COLORTERM" } : [])
        {
            if (caller(name) is { } kind && TerminalName().IsMatch(kind))
                environment[name] = kind;
        }

        foreach (var (name, template) in policy.Agent.Environment)
        {
            if (Expand(template, caller) is { } value)
                environment[name] = value;
        }

        if (policy.Egress.Allow.Length > 0 || policy.Secrets.Length > 0)
        {
            // Programs that know a proxy get a readable refusal; the others meet the same gate without knowing.
            foreach (var name in new[] { "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy" })
                environment[name] = Proxy;
            environment["NO_PROXY"] = environment["no_proxy"] = "localhost,127.0.0.1,::1,secrets.gatehouse";
        }

        if (hasBundle)
        {
            foreach (var name in new[] { "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "GIT_SSL_CAINFO", "CURL_CA_BUNDLE" })
                environment[name] = "/etc/" + SyntheticEtc.CertificateBundle;
        }

        foreach (var secret in policy.Secrets)
        {
            foreach (var (name, template) in secret.Expose)
                environment[name] = template.Replace("{url}", $"http://secrets.gatehouse/{secret.Name}", StringComparison.Ordinal);
        }

        return environment.ToImmutableDictionary();
    }

    /// <summary>Values of <c>${NAME}</c> from the caller; null, so unset, when a named variable is.</summary>
    public static string? Expand(string template, Func<string, string?> caller)
    {
        var missing = false;
        var value = Reference().Replace(template, match =>
        {
            var found = caller(match.Groups[1].Value);
            missing |= found is null;
            return found ?? "";
        });
        return missing ? null : value;
    }

    [GeneratedRegex(@"^[A-Za-z0-9._+-]{1,64}$", RegexOptions.CultureInvariant)]
    private static partial Regex TerminalName();

    [GeneratedRegex(@"\$\{([A-Za-z_][A-Za-z0-9_]*)\}", RegexOptions.CultureInvariant)]
    private static partial Regex Reference();
}
