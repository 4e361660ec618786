using Gatehouse.Policy.Parsing;
using Gatehouse.Policy.Yaml;

namespace Gatehouse.Policy.Schema;

/// <summary>
/// Holds a document against its shape and reports every difference. After it, readers may take what has the right kind and skip the
/// rest.
/// </summary>
internal sealed class SchemaChecker(PolicyFeatures supported, ErrorList errors)
{
    /// <summary>
    /// Whether some list or mapping has more entries than it may. Then nothing more is to be read: readers may take time that is
    /// quadratic in
    /// what the schema bounds.
    /// </summary>
    public bool IsOversize { get; private set; }

    public void Check(Node node, Shape shape, Place place)
    {
        if (node is BrokenNode)
            return;
        switch (shape)
        {
            case EitherShape either:
                Check(node, node is MappingNode ? either.Mapping : either.Plain, place);
                break;
            case ObjectShape of:
                CheckObject(node, of, place);
                break;
            case MapShape map:
                CheckMap(node, map, place);
                break;
            case ListShape list:
                CheckList(node, list, place);
                break;
            default:
                CheckScalar(node, shape, place);
                break;
        }
    }

    private void CheckObject(Node node, ObjectShape shape, Place place)
    {
        if (node is not MappingNode mapping)
        {
            ReportKind(node, shape, place);
            return;
        }

        foreach (var (name, value) in mapping.Members)
        {
            var key = shape.Keys.FirstOrDefault(candidate => candidate.Name == name.Text);
            if (key is null)
            {
                ReportUnknown(name, shape, place);
                continue;
            }

            Check(value, key.Shape, place.Key(key.Name));
            if (!supported.HasFlag(key.Needs))
                errors.Unsupported(name.At, $"'{key.Name}'");
        }

        foreach (var key in shape.Keys)
            if (key.IsRequired && mapping.Find(key.Name) is null)
                errors.Add(mapping.At, $"{Capital(place)} has no '{key.Name}'", $"Write {Expected.Entry(key)}.");
    }

    private void CheckMap(Node node, MapShape shape, Place place)
    {
        if (node is not MappingNode mapping)
        {
            ReportKind(node, shape, place);
            return;
        }

        if (mapping.Members.Length > shape.MaxCount)
            ReportOversize(mapping.Members[shape.MaxCount].Key.At, shape.MaxCount, place);
        foreach (var (name, value) in mapping.Members.Take(shape.MaxCount))
            Check(value, shape.Value, place.Key(Shown.Plain(name.Text)));
    }

    private void CheckList(Node node, ListShape shape, Place place)
    {
        if (node is not SequenceNode sequence)
        {
            if (shape.OrOne && node is ScalarNode { IsNull: false })
                Check(node, shape.Item, place);
            else
                ReportKind(node, shape, place);
            return;
        }

        if (sequence.Items.Length < shape.MinCount)
            errors.Add(sequence.At, $"{place} is empty", "Name something in it, or leave the key out.");
        if (sequence.Items.Length > shape.MaxCount)
            ReportOversize(sequence.Items[shape.MaxCount].At, shape.MaxCount, place);
        for (var i = 0; i < Math.Min(sequence.Items.Length, shape.MaxCount); i++)
            Check(sequence.Items[i], shape.Item, place.Item(i));
    }

    private void CheckScalar(Node node, Shape shape, Place place)
    {
        if (node is not ScalarNode scalar || scalar.IsNull)
        {
            ReportKind(node, shape, place);
            return;
        }

        switch (shape)
        {
            case TextShape text:
                if (scalar.Text.Length > text.MaxLength)
                    errors.Add(scalar.At, $"{place} is longer than {text.MaxLength} characters", "Shorten it.");
                else if (scalar.Text.Length == 0 && !text.MayBeEmpty)
                    errors.Add(scalar.At, $"{place} is empty", $"Write {Expected.Of(text)}.");
                else if (scalar.Text.Contains('\0'))
                    errors.Add(scalar.At, $"{place} holds a NUL character", "Remove it.");
                break;
            case WordShape words:
                CheckWord(scalar, words, place);
                break;
            default:
                if (!Expected.IsMet(scalar, shape))
                    errors.Add(scalar.At, $"{place} can not be {Shown.Quoted(scalar.Text)}", Expected.Fix(scalar, shape));
                break;
        }
    }

    private void CheckWord(ScalarNode scalar, WordShape shape, Place place)
    {
        var word = shape.Words.FirstOrDefault(candidate => candidate.Text == scalar.Text);
        if (word is null)
        {
            var near = Nearest.To(scalar.Text, shape.Words.Select(candidate => candidate.Text));
            errors.Add(scalar.At, $"{place} can not be {Shown.Quoted(scalar.Text)}", $"Write {near ?? Expected.Of(shape)}.");
        }
        else if (!supported.HasFlag(word.Needs))
        {
            errors.Unsupported(scalar.At, $"{place} '{word.Text}'");
        }
    }

    private void ReportOversize(Position at, int maxCount, Place place)
    {
        IsOversize = true;
        errors.Add(at, $"{place} has more than {maxCount} entries", "Leave some out.");
    }

    private void ReportKind(Node node, Shape shape, Place place)
    {
        var found = node switch
        {
            ScalarNode { IsNull: true, Text: "" } => "is empty",
            ScalarNode { IsNull: true } scalar => $"is empty ({scalar.Text} without quotes means nothing in YAML)",
            ScalarNode scalar => $"can not be {Shown.Quoted(scalar.Text)}",
            SequenceNode => "can not be a list",
            _ => "can not be a mapping",
        };
        errors.Add(node.At, $"{Capital(place)} {found}", $"Write {Expected.Of(shape)}.");
    }

    private void ReportUnknown(ScalarNode key, ObjectShape shape, Place place)
    {
        if (errors.IsFull)
        {
            errors.Add(key.At, "", "");
            return;
        }

        var known = shape.Keys.Select(candidate => candidate.Name).ToList();
        var fix = Nearest.To(key.Text, known) is { } near ? $"Write '{near}'." : $"Write one of: {string.Join(", ", known)}.";
        if (key.Text == "<<")
            fix = "Merge keys are not taken here: write the values out.";
        errors.Add(key.At, $"Unknown key {Shown.Quoted(key.Text)} in {place}", fix);
    }

    private static string Capital(Place place) => ReferenceEquals(place, Place.Root) ? "The policy" : place.ToString();
}
