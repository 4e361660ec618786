using System.Collections.Immutable;
using System.Net;
using Gatehouse.Policy.Names;
using Gatehouse.Policy.Secrets;

namespace Gatehouse.Policy.Parsing;

/// <summary>Reads <c>secrets:</c>.</summary>
internal static class SecretsReader
{
    private static readonly (string Prefix, SecretScheme Scheme)[] s_schemes =
    [
        ("env:", SecretScheme.Env), ("file:", SecretScheme.File), ("command:", SecretScheme.Command),
        ("azure-keyvault:", SecretScheme.AzureKeyVault), ("vault:", SecretScheme.Vault),
    ];

    public static ImmutableArray<SecretPolicy> Read(Section root)
    {
        var secrets = ImmutableArray.CreateBuilder<SecretPolicy>();
        var exposed = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var item in root.Items("secrets"))
        {
            if (ReadSecret(item, exposed) is not { } secret)
                continue;
            if (secrets.Any(other => other.Name == secret.Name))
                item.Error(item["name"]!, $"{item.Name("name")} is '{secret.Name}', which another secret has", "Give each a name of its own");
            secrets.Add(secret);
        }

        return secrets.ToImmutable();
    }

    private static SecretPolicy? ReadSecret(Section item, Dictionary<string, string> exposed)
    {
        var name = item.Text("name");
        if (name is not null && (name.Length is 0 or > 40 || !name.All(character => char.IsAsciiLetterLower(character) || char.IsAsciiDigit(character) || character == '-')))
            item.Error(item["name"]!, $"{item.Name("name")} is '{name}'", "Use up to 40 small letters, digits and hyphens");
        var (upstream, source, inject) = (Upstream(item), Source(item), Inject(item.Child("inject")));
        var expose = item.Variables("expose");
        foreach (var variable in expose.Keys.Where(variable => !exposed.TryAdd(variable, name ?? "")))
            item.Error(item["expose"]!, $"{item.Name("expose")}.{variable} is exposed by another secret too", "Expose each variable once");
        var allow = item.Items("allow").Select(ReadCall).OfType<SecretCallRule>().ToImmutableArray();
        var limits = item.Child("limits");
        var budget = new SecretLimits(limits.Integer("requestsPerMinute", 1, 1_000_000), limits.Size("bytesPerDay"),
            limits.Read("tokensPerDay", (string text, out long value) => long.TryParse(text, out value) && value > 0, "Write a whole number of tokens"));
        item.NotSupportedYet("limits", "Remove it: the calls themselves are limited by allow:");
        if (name is null || upstream is null || source is null || inject is null)
            return null;
        return new()
        {
            Name = name,
            Upstream = upstream,
            From = source,
            Inject = inject,
            Expose = expose,
            Allow = allow,
            Limits = budget,
            Trust = item.Text("trust"),
        };
    }

    private static Uri? Upstream(Section item)
    {
        if (item["upstream"] is not { Scalar: { } text } node)
            return null;
        var fix = "Write an https origin such as https://api.anthropic.com; http only for a server on this machine";
        if (!Uri.TryCreate(text, UriKind.Absolute, out var uri) || uri.Scheme is not ("https" or "http") || uri.UserInfo.Length > 0 || uri.Query.Length > 0
            || uri.Fragment.Length > 0 || !HttpPath.TryNormalize(uri.AbsolutePath, out _, out _))
        {
            item.Error(node, $"{item.Name("upstream")} is '{text}'", fix);
            return null;
        }

        if (uri.Scheme == "http" && !(uri.Host == "localhost" || (IPAddress.TryParse(uri.Host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address))))
        {
            item.Error(node, $"{item.Name("upstream")} would send the credential in the clear", fix);
            return null;
        }

        return uri;
    }

    private static SecretSource? Source(Section item)
    {
        if (item["from"] is not { Scalar: { } text } node)
            return null;
        var (prefix, scheme) = s_schemes.FirstOrDefault(candidate => text.StartsWith(candidate.Prefix, StringComparison.Ordinal));
        if (prefix is null || text.Length == prefix.Length || (scheme == SecretScheme.Env && !Tokens.IsVariableName(text[prefix.Length..])))
        {
            item.Error(node, $"{item.Name("from")} does not say where the credential is", "Write env:NAME or file:PATH, never the credential itself");
            return null;
        }

        if (scheme is not (SecretScheme.Env or SecretScheme.File))
            item.NotSupportedYet("from", "Write env:NAME or file:PATH");
        return new(scheme, text[prefix.Length..]);
    }

    private static SecretInjection? Inject(Section inject)
    {
        var (header, value) = (inject.Text("header"), inject.Text("value"));
        if (header is not null && (!Tokens.IsToken(header) || Tokens.IsFramingHeader(header)))
        {
            inject.Error(inject["header"]!, $"{inject.Name("header")} is '{header}'", "Write a header that carries a credential, such as x-api-key or Authorization");
            header = null;
        }

        if (value is not null && value.Split("{secret}").Length != 2)
        {
            inject.Error(inject["value"]!, $"{inject.Name("value")} does not have {{secret}} once", "Write for example \"Bearer {secret}\"");
            value = null;
        }

        return header is null || value is null ? null : new(header, value);
    }

    private static SecretCallRule? ReadCall(Section item)
    {
        var methods = EgressReader.Methods(item, "method");
        var path = item["path"] is { Scalar: not null } node ? EgressReader.ReadPath(item, "path", node) : null;
        var headers = Globs(item, "headers").ToImmutableDictionary(pair => pair.Key.ToLowerInvariant(), pair => pair.Value);
        var query = item["query"] is null ? null : Globs(item, "query");
        var body = BodyReader.Read(item);
        item.NotSupportedYet("body", "Remove it: method, path, headers and query are checked");
        if (methods.IsEmpty || path is null)
            return null;
        return new()
        {
            Rule = $"{item.Path} {string.Join('|', methods)} {path}",
            Methods = methods,
            Path = path,
            Headers = headers,
            Query = query,
            Body = body,
        };
    }

    private static ImmutableDictionary<string, ImmutableArray<string>> Globs(Section item, string key)
    {
        var result = ImmutableDictionary.CreateBuilder<string, ImmutableArray<string>>(StringComparer.Ordinal);
        foreach (var (name, _) in item.Entries(key))
        {
            if (key == "headers" && !Tokens.IsToken(name.Scalar!))
                item.Error(name, $"{item.Name(key)}.{name.Scalar} is not the name of a header", "Write for example anthropic-version");
            else
                result[name.Scalar!] = [.. item.Child(key).Scalars(name.Scalar!).Select(glob => glob.Scalar!)];
        }

        return result.ToImmutable();
    }
}
