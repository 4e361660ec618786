using System.Collections.Immutable;
using System.Reflection;

namespace Gatehouse.Policy;

/// <summary>Commented policies for agents that people use, as <c>gatehouse init</c> writes them.</summary>
public static class PolicyTemplates
{
    private const string Prefix = "Gatehouse.Policy.Templates.";

    public static ImmutableArray<string> Names { get; } =
    [
        .. Assembly.GetExecutingAssembly().GetManifestResourceNames()
            .Where(name => name.StartsWith(Prefix, StringComparison.Ordinal))
            .Select(name => name[Prefix.Length..^".yaml".Length]).Order(StringComparer.Ordinal),
    ];

    /// <exception cref="ArgumentException">There is no such template.</exception>
    public static string Get(string name)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream($"{Prefix}{name}.yaml")
            ?? throw new ArgumentException($"there is no template '{name}'", nameof(name));
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
