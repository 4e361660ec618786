using System.Collections.Immutable;
using System.Globalization;

namespace Gatehouse.Policy.Parsing;

/// <summary>
/// A mapping while it is read. What has the wrong shape was reported before, so a member of the wrong kind simply is not there; every
/// member that is there but means nothing is reported here.
/// </summary>
internal sealed class Section(YamlNode node, string path, ErrorList errors)
{
    public YamlNode Node => node;

    public string Path => path;

    public YamlNode? this[string key] => node.Entries?.FirstOrDefault(entry => entry.Key.Scalar == key).Value is { IsEmpty: false } value ? value : null;

    public void Error(YamlNode at, string message, string fix) => errors.Add(at, message, fix);

    /// <summary>The section below, empty when absent.</summary>
    public Section Child(string key) => new(this[key] ?? new() { Line = node.Line, Column = node.Column, Entries = [] }, Name(key), errors);

    public IEnumerable<Section> Items(string key) =>
        this[key]?.Items is { } items ? items.Where(item => item.Entries is not null).Select((item, i) => new Section(item, $"{Name(key)}[{i}]", errors)) : [];

    public string? Text(string key) => this[key]?.Scalar;

    /// <summary>One scalar or a list of them.</summary>
    public IEnumerable<YamlNode> Scalars(string key) =>
        this[key] switch
        {
            { Scalar: not null } single => [single],
            { Items: { } items } => items.Where(item => item is { Scalar: not null, IsEmpty: false }),
            _ => [],
        };

    public IEnumerable<(YamlNode Key, YamlNode Value)> Entries(string key) => this[key]?.Entries?.Where(entry => entry.Key.Scalar is not null) ?? [];

    /// <summary>Reads a value by <paramref name="parse"/>; reports and returns null when it refuses.</summary>
    public T? Read<T>(string key, TryParse<T> parse, string fix) where T : struct
    {
        if (this[key] is not { Scalar: { } text } value)
            return null;
        if (parse(text, out var result))
            return result;
        Error(value, $"{Name(key)} is '{text}'", fix);
        return null;
    }

    public int? Integer(string key, int least, int most) =>
        Read(key, (string text, out int value) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value) && value >= least && value <= most,
            string.Create(CultureInfo.InvariantCulture, $"Write a whole number from {least} to {most}"));

    public long? Size(string key) => Read<long>(key, Units.TryParseSize, "Write a size such as 512MiB or 4GiB");

    public T Choice<T>(string key, T otherwise) where T : struct, Enum =>
        Enum.TryParse<T>(Text(key), ignoreCase: true, out var value) && Enum.IsDefined(value) ? value : otherwise;

    /// <summary>The part is read and valid, but nothing acts on it yet: better an error than a promise.</summary>
    public void NotSupportedYet(string key, string instead)
    {
        if (this[key] is { } value)
            Error(value, $"{Name(key)} is not supported yet", instead);
    }

    public string Name(string key) => path.Length == 0 ? key : $"{path}.{key}";

    /// <summary>Environment variables: valid names, values as written.</summary>
    public ImmutableDictionary<string, string> Variables(string key)
    {
        var result = ImmutableDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in Entries(key))
        {
            if (!Tokens.IsVariableName(name.Scalar!))
                Error(name, $"{Name(key)}.{name.Scalar} is not the name of a variable", "Use letters, digits and underscores, not beginning with a digit");
            else if (Tokens.IsOwnVariable(name.Scalar!))
                Error(name, $"{Name(key)}.{name.Scalar} is set by Gatehouse itself", "Remove it: the agent finds its proxy and certificates by it");
            else if (value.Scalar is { } text)
                result[name.Scalar!] = value.IsEmpty ? "" : text;
        }

        return result.ToImmutable();
    }
}

internal delegate bool TryParse<T>(string text, out T value);
