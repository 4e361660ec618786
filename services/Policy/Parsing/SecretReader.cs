using System.Collections.Immutable;
using System.Text.RegularExpressions;
using Gatehouse.Policy.Schema;
using Gatehouse.Policy.Secrets;
using Gatehouse.Policy.Yaml;

namespace Gatehouse.Policy.Parsing;

/// <summary><c>secrets:</c></summary>
internal sealed partial class SecretReader(PolicyFeatures supported, ImmutableDictionary<string, string> environment, ErrorList errors)
{
    private readonly Dictionary<string, Position> _names = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Position> _exposed = new(StringComparer.Ordinal);

    public ImmutableArray<SecretPolicy> ReadAll(Node root)
    {
        var secrets = ImmutableArray.CreateBuilder<SecretPolicy>();
        var items = root.Items("secrets");
        for (var i = 0; i < items.Length; i++)
            if (Read(items[i], i) is { } secret)
                secrets.Add(secret);
        return secrets.ToImmutable();
    }

    private SecretPolicy? Read(Node item, int index)
    {
        var name = ReadName(item.Scalar("name"));
        var upstream = UpstreamText.Read(item.Scalar("upstream"), errors);
        var source = SecretSourceText.Read(item.Scalar("from"), supported, errors);
        var injection = SecretInjectionText.Read(item.Find("inject"), errors);
        var expose = ReadExpose(item);
        var allow = new SecretCallReader(errors).ReadAll(item, index);
        var limits = ReadLimits(item.Find("limits"));
        var trust = HostPathText.Read(item.Scalar("trust"), errors);
        if (name is null || upstream is null || source is null || injection is null)
            return null;
        return new SecretPolicy
        {
            Name = name,
            Upstream = upstream,
            From = source,
            Inject = injection,
            Expose = expose,
            Allow = allow,
            Limits = limits,
            Trust = trust,
        };
    }

    private string? ReadName(ScalarNode? scalar)
    {
        // What is too short or too long has been reported.
        if (scalar is null || scalar.Text.Length is 0 or > 40)
            return null;
        if (!Name().IsMatch(scalar.Text))
            errors.Add(scalar.At, $"{Shown.Quoted(scalar.Text)} can not name a secret", "Write 1 to 40 small letters, digits and hyphens.");
        else if (!_names.TryAdd(scalar.Text, scalar.At))
            errors.Add(scalar.At, $"A secret {Shown.Quoted(scalar.Text)} is there already, on line {_names[scalar.Text].Line}",
                "Give it another name.");
        else
            return scalar.Text;
        return null;
    }

    private ImmutableDictionary<string, string> ReadExpose(Node item)
    {
        var expose = ImmutableDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (var (key, value) in item.Members("expose"))
        {
            if (value.AsScalar() is not { } scalar || !EnvironmentText.IsName(key, errors))
                continue;
            if (environment.ContainsKey(key.Text))
                errors.Add(key.At, $"{Shown.Quoted(key.Text)} is set under agent.environment too", "Keep one of the two.");
            else if (!_exposed.TryAdd(key.Text, key.At))
                errors.Add(key.At, $"{Shown.Quoted(key.Text)} is exposed already, on line {_exposed[key.Text].Line}",
                    "Keep one of the two.");
            else if (scalar.Text.Contains("{secret}", StringComparison.Ordinal))
                errors.Add(scalar.At, "A credential is never exposed to the agent",
                    "Write a placeholder: the gateway puts the credential in.");
            else if (scalar.Text.Contains("${", StringComparison.Ordinal))
                errors.Add(scalar.At, "The caller's variables are not replaced under 'expose'", "Write it under agent.environment.");
            else
                expose[key.Text] = scalar.Text;
        }

        return expose.ToImmutable();
    }

    private static SecretLimits ReadLimits(Node? limits)
    {
        int? requests = Integer(limits, "requestsPerMinute") is { } count ? (int)Math.Clamp(count, 0, int.MaxValue) : null;
        long? bytes = limits.Scalar("bytesPerDay") is { } text && Quantity.TryParseSize(text.Text, out var size) ? size : null;
        return new SecretLimits(requests, bytes, Integer(limits, "tokensPerDay"));
    }

    private static long? Integer(Node? node, string key) =>
        node.Scalar(key) is { } scalar && Quantity.TryParseInteger(scalar.Text, out var value) ? value : null;

    [GeneratedRegex(@"^[a-z0-9-]+\z", RegexOptions.CultureInvariant)]
    private static partial Regex Name();
}
