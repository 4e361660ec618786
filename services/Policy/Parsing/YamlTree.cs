using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Gatehouse.Policy.Parsing;

/// <summary>A node of a policy file: a scalar, a list or a mapping, with its place. Line and column are from 1.</summary>
internal sealed class YamlNode
{
    public required int Line { get; init; }

    public required int Column { get; init; }

    /// <summary>Null unless a scalar.</summary>
    public string? Scalar { get; init; }

    /// <summary>Null unless a list.</summary>
    public List<YamlNode>? Items { get; init; }

    /// <summary>Null unless a mapping; keys in file order.</summary>
    public List<(YamlNode Key, YamlNode Value)>? Entries { get; init; }

    /// <summary>A key without a value.</summary>
    public bool IsEmpty { get; init; }

    public string Kind => Scalar is not null ? "a text" : Items is not null ? "a list" : "a mapping";
}

/// <summary>
/// Builds the tree from the event stream, without recursion and without the features that make YAML dangerous to read: anchors and aliases
/// (which multiply), tags (which name types), several documents.
/// </summary>
internal static class YamlTree
{
    /// <summary>The deepest policy nests seven levels.</summary>
    private const int MaxDepth = 32;

    /// <summary>10,000 rules of a dozen scalars each fit four times.</summary>
    private const int MaxNodes = 500_000;

    /// <returns>Null when the text is not such a document; the reason is in <paramref name="errors"/>.</returns>
    public static YamlNode? Read(string yaml, ErrorList errors)
    {
        try
        {
            return new Builder(errors).Build(new Parser(new StringReader(yaml)));
        }
        catch (YamlException e)
        {
            errors.Add((int)Math.Max(1, e.Start.Line), (int)Math.Max(1, e.Start.Column), "this is not YAML: " + e.Message.ReplaceLineEndings(" "),
                "Check indentation, quotes and brackets there");
            return null;
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException or OverflowException or IndexOutOfRangeException or NullReferenceException)
        {
            // The library's own failures on hostile text: a policy is refused, never half read.
            errors.Add(1, 1, "this is not YAML", "Check indentation, quotes and brackets");
            return null;
        }
    }

    private sealed class Builder(ErrorList errors)
    {
        private readonly Stack<(YamlNode Node, YamlNode? Key)> _open = [];
        private YamlNode? _root;
        private int _nodes;

        public YamlNode? Build(Parser parser)
        {
            var documents = 0;
            while (parser.MoveNext())
            {
                var current = parser.Current!;
                if (current is DocumentStart && ++documents > 1)
                    return Refuse(current, "there is more than one document in the file", "Remove everything from the second '---'");
                if (current is AnchorAlias || (current is NodeEvent { Anchor.IsEmpty: false }))
                    return Refuse(current, "anchors and aliases are not read", "Write the value out");
                if (current is NodeEvent { Tag.IsEmpty: false } node && node is not Scalar { IsQuotedImplicit: true, Tag.IsNonSpecific: true })
                    return Refuse(current, "tags are not read", "Remove the part that begins with '!'");
                if (++_nodes > MaxNodes)
                    return Refuse(current, "the policy is too large", "Use wildcards in place of so many rules");
                if (!Take(current))
                    return null;
            }

            return _root;
        }

        private bool Take(ParsingEvent current)
        {
            var (line, column) = ((int)current.Start.Line, (int)current.Start.Column);
            switch (current)
            {
                case Scalar scalar:
                    Attach(new() { Line = line, Column = column, Scalar = scalar.Value, IsEmpty = scalar is { Value: "" or "~" or "null", Style: ScalarStyle.Plain } });
                    break;
                case SequenceStart:
                    return Open(new() { Line = line, Column = column, Items = [] });
                case MappingStart:
                    return Open(new() { Line = line, Column = column, Entries = [] });
                case SequenceEnd or MappingEnd:
                    Attach(_open.Pop().Node);
                    break;
            }

            return true;
        }

        private bool Open(YamlNode node)
        {
            if (_open.Count >= MaxDepth)
                return Refuse(node.Line, node.Column, "this is nested too deep", "See 'gatehouse policy schema' for the shape of a policy") is not null;
            _open.Push((node, null));
            return true;
        }

        private void Attach(YamlNode node)
        {
            if (_open.Count == 0)
            {
                _root = node;
            }
            else if (_open.Peek() is { Node.Items: { } items })
            {
                items.Add(node);
            }
            else if (_open.Peek().Key is { } key)
            {
                var parent = _open.Pop().Node;
                parent.Entries!.Add((key, node));
                _open.Push((parent, null));
            }
            else
            {
                _open.Push((_open.Pop().Node, node));
            }
        }

        private YamlNode? Refuse(ParsingEvent at, string message, string fix) => Refuse((int)at.Start.Line, (int)at.Start.Column, message, fix);

        private YamlNode? Refuse(int line, int column, string message, string fix)
        {
            errors.Add(Math.Max(1, line), Math.Max(1, column), message, fix);
            return null;
        }
    }
}
