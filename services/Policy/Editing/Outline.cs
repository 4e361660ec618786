using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Gatehouse.Policy.Editing;

/// <summary>A node with its place in the text, as offsets. Only for text that the policy parser has taken: that bounds depth and size.</summary>
internal sealed class Outline
{
    private readonly List<(Outline Key, Outline Value)> _members = [];

    private Outline(ParsingEvent first)
    {
        Start = (int)first.Start.Index;
        Column = (int)first.Start.Column - 1;
        // A block begins nowhere: only what is in it has an end.
        End = LastLeafEnd = Math.Max(Start, (int)first.End.Index);
    }

    public int Start { get; }

    /// <summary>From 0: as many spaces stand before it.</summary>
    public int Column { get; }

    /// <summary>Where the text of a scalar or bracketed collection ends.</summary>
    public int End { get; }

    /// <summary>Where its last scalar or bracket ends. A block's own end is only known where the next thing begins.</summary>
    public int LastLeafEnd { get; private set; }

    /// <summary>Of a sequence: where its last entry ends, inside the bracket.</summary>
    public int Inner { get; private set; }

    public bool IsMapping { get; private init; }

    public bool IsSequence { get; private init; }

    public bool IsFlow { get; private init; }

    /// <summary>A scalar of no characters: nothing is written there.</summary>
    public bool IsEmpty { get; private init; }

    /// <summary>A collection without entries.</summary>
    public bool IsBare { get; private set; } = true;

    public string Text { get; private init; } = "";

    public (Outline Key, Outline Value)? Child(string key)
    {
        foreach (var member in _members)
            if (member.Key.Text == key)
                return member;
        return null;
    }

    public static Outline? Read(string yaml)
    {
        var parser = new Parser(new Scanner(new StringReader(yaml), skipComments: true));
        parser.Consume<StreamStart>();
        return parser.TryConsume<DocumentStart>(out _) ? ReadNode(parser, yaml) : null;
    }

    private static Outline ReadNode(IParser parser, string yaml)
    {
        if (parser.TryConsume<Scalar>(out var scalar))
            return new Outline(scalar) { Text = scalar.Value, IsEmpty = scalar.Style == ScalarStyle.Plain && scalar.Value.Length == 0 };
        if (parser.TryConsume<SequenceStart>(out var sequence))
        {
            var node = new Outline(sequence) { IsSequence = true, IsFlow = sequence.Style == SequenceStyle.Flow };
            SequenceEnd end;
            while (!parser.TryConsume(out end!))
                node.Take(ReadNode(parser, yaml));
            node.Inner = node.LastLeafEnd;
            node.Close(end, yaml, ']');
            return node;
        }

        var start = parser.Consume<MappingStart>();
        var mapping = new Outline(start) { IsMapping = true, IsFlow = start.Style == MappingStyle.Flow };
        MappingEnd closing;
        while (!parser.TryConsume(out closing!))
        {
            var key = ReadNode(parser, yaml);
            var value = ReadNode(parser, yaml);
            mapping._members.Add((key, value));
            mapping.Take(key);
            mapping.Take(value);
        }

        mapping.Close(closing, yaml, '}');
        return mapping;
    }

    private void Take(Outline child)
    {
        IsBare = false;
        if (!child.IsEmpty)
            LastLeafEnd = Math.Max(LastLeafEnd, child.LastLeafEnd);
    }

    // The library's mark for the end of a bracketed collection stands before the bracket.
    private void Close(ParsingEvent end, string yaml, char bracket)
    {
        if (IsFlow)
            LastLeafEnd = yaml.IndexOf(bracket, Math.Max(LastLeafEnd, (int)end.Start.Index)) + 1;
    }
}
