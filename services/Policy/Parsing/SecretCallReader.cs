using System.Collections.Immutable;
using System.Globalization;
using Gatehouse.Policy.Schema;
using Gatehouse.Policy.Secrets;
using Gatehouse.Policy.Yaml;

namespace Gatehouse.Policy.Parsing;

/// <summary><c>secrets[].allow</c></summary>
internal sealed class SecretCallReader(ErrorList errors)
{
    public ImmutableArray<SecretCallRule> ReadAll(Node secret, int secretIndex)
    {
        var calls = ImmutableArray.CreateBuilder<SecretCallRule>();
        var items = secret.Items("allow");
        for (var i = 0; i < items.Length; i++)
            if (Read(items[i], string.Create(CultureInfo.InvariantCulture, $"secrets[{secretIndex}].allow[{i}]")) is { } call)
                calls.Add(call);
        return calls.ToImmutable();
    }

    private SecretCallRule? Read(Node item, string place)
    {
        var methods = Methods.Read(item.Find("method"), errors);
        var path = item.Scalar("path") is { } text ? UrlPathText.Pattern(text, errors) : null;
        var headers = ReadGlobs(item, "headers", isHeader: true);
        var query = item.Find("query") is null ? null : ReadGlobs(item, "query", isHeader: false);
        var body = ReadBody(item);
        if (methods.IsEmpty || path is null)
            return null;
        return new SecretCallRule
        {
            Rule = $"{place} {string.Join(',', methods)} {path}",
            Methods = methods,
            Path = path,
            Headers = headers,
            Query = query,
            Body = body,
        };
    }

    private ImmutableDictionary<string, ImmutableArray<string>> ReadGlobs(Node item, string key, bool isHeader)
    {
        var globs = ImmutableDictionary.CreateBuilder<string, ImmutableArray<string>>(StringComparer.Ordinal);
        foreach (var (name, value) in item.Members(key))
        {
            var text = isHeader ? name.Text.ToLowerInvariant() : name.Text;
            if (isHeader && !SecretInjectionText.IsToken(text))
                errors.Add(name.At, $"{Shown.Quoted(name.Text)} is not the name of a header", "Write one such as anthropic-version.");
            else if (!globs.TryAdd(text, Globs(value)))
                errors.Add(name.At, $"The header {Shown.Quoted(text)} is written twice", "Keep one of the two.");
        }

        return globs.ToImmutable();
    }

    private ImmutableDictionary<string, BodyRule> ReadBody(Node item)
    {
        var body = ImmutableDictionary.CreateBuilder<string, BodyRule>(StringComparer.Ordinal);
        foreach (var (name, value) in item.Members("body"))
        {
            var (min, max) = (Bound(value, "min"), Bound(value, "max"));
            if (value is MappingNode { Members.IsEmpty: true })
                errors.Add(value.At, $"Nothing bounds {Shown.Quoted(name.Text)}", "Write { max: 8192 }, { min: 1 } or both.");
            else if (min > max)
                errors.Add(value.At, string.Create(CultureInfo.InvariantCulture, $"No number is at least {min} and at most {max}"),
                    "Write the smaller one as min.");
            body[name.Text] = new BodyRule(value is MappingNode ? [] : Globs(value), min, max);
        }

        return body.ToImmutable();
    }

    private static double? Bound(Node value, string key) =>
        value.Scalar(key) is { } scalar && Quantity.TryParseDecimal(scalar.Text, out var number) ? number : null;

    private static ImmutableArray<string> Globs(Node value) => [.. value.Scalars().Select(scalar => scalar.Text)];
}
