using System.Collections.Frozen;
using System.Text.RegularExpressions;
using Gatehouse.Policy.Yaml;

namespace Gatehouse.Policy.Parsing;

/// <summary>Environment variables of the agent, under <c>agent.environment</c> and a secret's <c>expose</c>.</summary>
internal static partial class EnvironmentText
{
    // Compared without case: curl and others read the small forms.
    private static readonly FrozenSet<string> Reserved = FrozenSet.Create(
        StringComparer.OrdinalIgnoreCase,
        "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "FTP_PROXY",
        "SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "GIT_SSL_CAINFO", "CURL_CA_BUNDLE");

    public static bool IsName(ScalarNode key, ErrorList errors)
    {
        var shown = Shown.Quoted(key.Text);
        if (!Name().IsMatch(key.Text))
            errors.Add(key.At, $"{shown} is not the name of an environment variable",
                "Write letters, digits and underscores, not beginning with a digit.");
        else if (Reserved.Contains(key.Text))
            errors.Add(key.At, $"{shown} is set by Gatehouse", "Leave it out: it leads the agent to the gates.");
        else if (key.Text.StartsWith("GATEHOUSE_", StringComparison.OrdinalIgnoreCase))
            errors.Add(key.At, $"{shown} is Gatehouse's own", "Leave it out.");
        else
            return true;
        return false;
    }

    /// <summary>Every <c>${</c> must be a whole <c>${NAME}</c>; a lone <c>$</c> is itself.</summary>
    public static void CheckTemplate(ScalarNode value, ErrorList errors)
    {
        for (var at = 0; (at = value.Text.IndexOf("${", at, StringComparison.Ordinal)) >= 0; at += 2)
        {
            if (Reference().IsMatch(value.Text, at))
                continue;
            errors.Add(value.At, $"{Shown.Quoted(value.Text[at..])} is not a reference to a variable",
                "Write ${NAME}; defaults and other forms are not taken.");
            return;
        }
    }

    [GeneratedRegex(@"^[A-Za-z_][A-Za-z0-9_]{0,127}\z", RegexOptions.CultureInvariant)]
    private static partial Regex Name();

    [GeneratedRegex(@"\G\$\{[A-Za-z_][A-Za-z0-9_]{0,127}\}", RegexOptions.CultureInvariant)]
    private static partial Regex Reference();
}
