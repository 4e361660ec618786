using System.Text.RegularExpressions;
using Gatehouse.Policy.Schema;
using Gatehouse.Policy.Secrets;
using Gatehouse.Policy.Yaml;

namespace Gatehouse.Policy.Parsing;

/// <summary><c>secrets[].from</c>: where a credential is, as <c>scheme:value</c>.</summary>
internal static partial class SecretSourceText
{
    private static readonly (string Name, SecretScheme Scheme)[] Schemes =
    [
        ("env", SecretScheme.Env), ("file", SecretScheme.File), ("command", SecretScheme.Command),
        ("azure-keyvault", SecretScheme.AzureKeyVault), ("vault", SecretScheme.Vault),
    ];

    public static SecretSource? Read(ScalarNode? scalar, PolicyFeatures supported, ErrorList errors)
    {
        if (scalar is null || scalar.Text.Length == 0)
            return null;
        var colon = scalar.Text.IndexOf(':');
        var name = colon < 0 ? scalar.Text : scalar.Text[..colon];
        var index = Array.FindIndex(Schemes, candidate => candidate.Name == name);
        if (colon < 0 || index < 0)
        {
            // The text may be the credential itself, pasted: it is not repeated.
            var near = Nearest.To(name, Schemes.Select(candidate => candidate.Name));
            errors.Add(scalar.At, "'from' does not say where the credential is", near is not null
                ? $"Write '{near}:…'."
                : "Write env:NAME or file:PATH; never the credential itself.");
            return null;
        }

        var scheme = Schemes[index].Scheme;
        var value = scalar.Text[(colon + 1)..];
        if (!IsValid(scheme, scalar with { Text = value }, errors))
            return null;
        if (scheme is not (SecretScheme.Env or SecretScheme.File) && !supported.HasFlag(PolicyFeatures.SecretStores))
            errors.Unsupported(scalar.At, $"A secret from '{name}:'");
        return new SecretSource(scheme, value);
    }

    private static bool IsValid(SecretScheme scheme, ScalarNode value, ErrorList errors)
    {
        switch (scheme)
        {
            case SecretScheme.Env when !Variable().IsMatch(value.Text):
                // A credential pasted after "env:" is not repeated either.
                errors.Add(value.At, "What follows 'env:' is not the name of a variable", "Write env:NAME.");
                return false;
            case SecretScheme.File when value.Text.Trim().Length == 0:
                errors.Add(value.At, "'file:' names no file", "Write file:PATH.");
                return false;
            case SecretScheme.File:
                return HostPathText.Read(value, errors) is not null;
            case SecretScheme.Command when value.Text.Trim().Length == 0:
                errors.Add(value.At, "'command:' names no command", "Write command:PROGRAM ARGUMENTS.");
                return false;
            case SecretScheme.AzureKeyVault or SecretScheme.Vault:
                return UpstreamText.Read(value, errors) is not null;
            default:
                return true;
        }
    }

    [GeneratedRegex(@"^[A-Za-z_][A-Za-z0-9_]{0,127}\z", RegexOptions.CultureInvariant)]
    private static partial Regex Variable();
}
