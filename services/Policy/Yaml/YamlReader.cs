using System.Collections.Immutable;
using System.Text;
using Gatehouse.Policy.Parsing;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Gatehouse.Policy.Yaml;

/// <summary>
/// Text to nodes, over YamlDotNet's event parser. Takes the part of YAML that reads the same to everybody: one document of mappings, lists
/// and scalars; no anchors, aliases, merge keys, tags, directives, repeated keys or invisible characters. Policies are passed between
/// people, so
/// depth, number and size are bounded, and nothing is thrown.
/// </summary>
internal sealed class YamlReader
{
    /// <summary>The deepest that the schema goes is 7.</summary>
    private const int MaxDepth = 16;

    /// <summary>About 60,000 egress rules; more memory than any policy has use for.</summary>
    private const int MaxNodes = 500_000;

    private readonly Parser _parser;
    private readonly ErrorList _errors;
    private int _nodes;

    private YamlReader(Parser parser, ErrorList errors) => (_parser, _errors) = (parser, errors);

    /// <summary>The document's root; null when it can not be read, with the reason in <paramref name="errors"/>.</summary>
    public static Node? Read(string yaml, ErrorList errors)
    {
        if (yaml.Length > PolicyParser.MaxBytes || Encoding.UTF8.GetByteCount(yaml) > PolicyParser.MaxBytes)
        {
            errors.Add(new Position(1, 1), $"The policy is larger than {PolicyParser.MaxBytes / 1024 / 1024} MiB",
                "Name fewer things, or use wildcards.");
            return null;
        }

        if (yaml.StartsWith('\uFEFF'))
            yaml = yaml[1..];
        if (!YamlText.Check(yaml, errors))
            return null;
        var scanner = new Scanner(new StringReader(yaml), skipComments: true);
        try
        {
            return new YamlReader(new Parser(scanner), errors).ReadStream();
        }
        catch (UnreadableException)
        {
            return null;
        }
        catch (YamlException e)
        {
            errors.Add(Of(e.Start), $"This is not YAML: {Shown.Sentence(e.Message)}",
                "Check indentation, quotes and brackets at this place.");
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // The library has been seen to fail in other ways on text made for it; whatever it is, the policy is refused.
            errors.Add(Of(scanner.CurrentPosition), "This is not YAML", "Check indentation, quotes and brackets at this place.");
        }

        return null;
    }

    private Node? ReadStream()
    {
        Next<StreamStart>();
        if (Advance() is StreamEnd)
        {
            _errors.Add(new Position(1, 1), "The policy is empty", "Write at least 'version: 1'.");
            return null;
        }

        if (_parser.Current is DocumentStart start
            && (start.Version is not null || start.Tags?.Any(tag => tag.Handle is not ("!" or "!!")) == true))
            _errors.Add(Of(start.Start), "A YAML directive is not taken here", "Remove the line that begins with '%'.");
        Advance();
        var root = ReadNode(0);
        Next<DocumentEnd>();
        if (Advance() is DocumentStart second)
        {
            _errors.Add(Of(second.Start), "A second document begins here",
                "Keep one document in a file: remove the '---' and what does not belong.");
            return null;
        }

        return root;
    }

    // Reads the node that the parser stands on, and leaves the parser on its last event.
    private Node ReadNode(int depth)
    {
        var current = _parser.Current!;
        var at = Of(current.Start);
        if (depth > MaxDepth)
            Stop(at, $"This is nested more than {MaxDepth} deep", "No part of a policy is; check the indentation.");
        if (++_nodes > MaxNodes)
            Stop(at, $"The policy has more than {MaxNodes} values", "Name fewer things, or use wildcards.");
        CheckDecoration(current, at);
        return current switch
        {
            Scalar scalar => new ScalarNode(at, scalar.Value, scalar.Style == ScalarStyle.Plain),
            SequenceStart => ReadSequence(at, depth),
            MappingStart => ReadMapping(at, depth),
            _ => new BrokenNode(at),
        };
    }

    private void CheckDecoration(ParsingEvent current, Position at)
    {
        if (current is AnchorAlias alias)
            _errors.Add(at, "An alias (*name) is not taken here",
                $"Put text that begins with a star in quotes: \"*{Shown.Plain(alias.Value.Value)}\".");
        if (current is not NodeEvent node)
            return;
        if (!node.Anchor.IsEmpty)
            _errors.Add(at, "An anchor (&name) is not taken here", "Remove it, and write the value out wherever it is meant.");
        if (!node.Tag.IsEmpty)
            _errors.Add(at, "A tag (!name) is not taken here", "Remove it; put text in quotes where a tag made it text.");
    }

    private SequenceNode ReadSequence(Position at, int depth)
    {
        var items = ImmutableArray.CreateBuilder<Node>();
        while (Advance() is not SequenceEnd)
            items.Add(ReadNode(depth + 1));
        return new SequenceNode(at, items.ToImmutable());
    }

    private MappingNode ReadMapping(Position at, int depth)
    {
        var members = ImmutableArray.CreateBuilder<Member>();
        var seen = new Dictionary<string, Position>(StringComparer.Ordinal);
        while (Advance() is not MappingEnd)
        {
            var key = ReadNode(depth + 1);
            Advance();
            var value = ReadNode(depth + 1);
            if (key is not ScalarNode name)
            {
                if (key is not BrokenNode)
                    _errors.Add(key.At, "A key must be a word", "Write 'key: value'; put text that begins with [ or { in quotes.");
            }
            else if (!seen.TryAdd(name.Text, name.At))
            {
                _errors.Add(name.At, $"The key {Shown.Quoted(name.Text)} is written twice, first on line {seen[name.Text].Line}",
                    "Keep one of the two.");
            }
            else
            {
                members.Add(new Member(name, value));
            }
        }

        return new MappingNode(at, members.ToImmutable());
    }

    private void Next<T>() where T : ParsingEvent
    {
        if (Advance() is not T)
            Stop(Of(_parser.Current!.Start), "This is not YAML", "Check indentation, quotes and brackets at this place.");
    }

    private ParsingEvent Advance()
    {
        if (!_parser.MoveNext())
            Stop(new Position(1, 1), "The policy ends too early", "Check quotes and brackets.");
        return _parser.Current!;
    }

    [System.Diagnostics.CodeAnalysis.DoesNotReturn]
    private void Stop(Position at, string message, string fix)
    {
        _errors.Add(at, message, fix);
        throw new UnreadableException();
    }

    private static Position Of(Mark mark) => new((int)Math.Max(1, mark.Line), (int)Math.Max(1, mark.Column));

    // Leaves the recursion; never gets out of this class.
    private sealed class UnreadableException : Exception;
}
