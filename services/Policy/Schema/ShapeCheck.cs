using Gatehouse.Policy.Parsing;

namespace Gatehouse.Policy.Schema;

/// <summary>Whether a file has the shape of a policy: kinds, keys, counts. What the values mean is checked by whoever reads them.</summary>
internal static class ShapeCheck
{
    /// <summary>Longer texts have no use in a policy.</summary>
    private const int MaxScalar = 4096;

    public static void Check(YamlNode node, Shape shape, string path, ErrorList errors)
    {
        if (node.IsEmpty)
        {
            errors.Add(node, $"{path} has no value", Fix(shape));
            return;
        }

        switch (shape)
        {
            case ScalarShape scalar:
                CheckScalar(node, scalar, path, errors);
                break;
            case OneOrManyShape many when node.Items is null:
                Check(node, many.Item, path, errors);
                break;
            case OneOrManyShape many:
                CheckItems(node, many.Item, many.Max, path, errors);
                break;
            case ListShape when node.Items is null:
                errors.Add(node, $"{path} is {node.Kind}, not a list", "Write each item on a line of its own that begins with '- '");
                break;
            case ListShape list:
                CheckItems(node, list.Item, list.Max, path, errors);
                break;
            case MapShape or NamesShape when node.Entries is null:
                errors.Add(node, $"{path} is {node.Kind}, not a mapping", Fix(shape));
                break;
            case MapShape map:
                CheckKeys(node, map, path, errors);
                break;
            case NamesShape names:
                CheckNames(node, names, path, errors);
                break;
        }
    }

    private static void CheckScalar(YamlNode node, ScalarShape shape, string path, ErrorList errors)
    {
        if (node.Scalar is not { } text)
            errors.Add(node, $"{path} is {node.Kind}, not one value", Fix(shape));
        else if (text.Length > MaxScalar)
            errors.Add(node, $"{path} is longer than {MaxScalar} characters", Fix(shape));
        else if (text.AsSpan().IndexOfAnyInRange('\0', '\u001f') >= 0)
            errors.Add(node, $"{path} has a control character", Fix(shape));
        else if (!shape.Values.IsEmpty && !shape.Values.Contains(text))
            errors.Add(node, $"{path} is '{Short(text)}'", "Write " + string.Join(" or ", shape.Values));
    }

    private static void CheckItems(YamlNode node, Shape item, int max, string path, ErrorList errors)
    {
        if (node.Items!.Count > max)
            errors.Add(node, $"{path} has {node.Items.Count} items", $"Write at most {max}");
        for (var i = 0; i < Math.Min(max, node.Items.Count); i++)
            Check(node.Items[i], item, $"{path}[{i}]", errors);
    }

    private static void CheckKeys(YamlNode node, MapShape map, string path, ErrorList errors)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (key, value) in node.Entries!)
        {
            var name = key.Scalar ?? "";
            var known = map.Keys.FirstOrDefault(candidate => candidate.Name == name);
            if (known is null)
            {
                errors.Add(key, $"{Child(path, Short(name))} is not known", Spelling.Nearest(name, map.Keys.Select(candidate => candidate.Name)) is { } near
                    ? $"Did you mean {near}?"
                    : $"{(path.Length == 0 ? "A policy" : path)} takes " + string.Join(", ", map.Keys.Select(candidate => candidate.Name)));
            }
            else if (!seen.Add(name))
            {
                errors.Add(key, $"{Child(path, name)} is there twice", "Keep one of them");
            }
            else
            {
                Check(value, known.Value, Child(path, name), errors);
            }
        }

        foreach (var missing in map.Keys.Where(key => key.Required && !seen.Contains(key.Name)))
            errors.Add(node, $"{Child(path, missing.Name)} is missing", Fix(missing.Value));
    }

    private static void CheckNames(YamlNode node, NamesShape names, string path, ErrorList errors)
    {
        if (node.Entries!.Count > names.Max)
            errors.Add(node, $"{path} has {node.Entries.Count} entries", $"Write at most {names.Max}");
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (key, value) in node.Entries.Take(names.Max))
        {
            if (key.Scalar is not { Length: > 0 and <= 256 } name)
                errors.Add(key, $"{path} has a key that is not a name", "Write NAME: value");
            else if (!seen.Add(name))
                errors.Add(key, $"{path}.{Short(name)} is there twice", "Keep one of them");
            else if (!(value.IsEmpty && names.Value is ScalarShape))
                Check(value, names.Value, $"{path}.{Short(name)}", errors);
        }
    }

    private static string Child(string path, string name) => path.Length == 0 ? name : $"{path}.{name}";

    private static string Fix(Shape shape) => shape switch
    {
        ScalarShape { Values.IsEmpty: false } scalar => "Write " + string.Join(" or ", scalar.Values),
        ScalarShape scalar => $"{scalar.Description}: write for example {scalar.Example}",
        MapShape map => "Write one of its keys: " + string.Join(", ", map.Keys.Select(key => key.Name)),
        _ => shape.Description,
    };

    private static string Short(string text) => text.Length <= 60 ? text : text[..60] + "…";
}
