using System.Collections.Immutable;

namespace Gatehouse.Policy.Yaml;

/// <summary>
/// What readers take from nodes that were held against the schema before. Anything missing or of another kind is nothing: it has been
/// reported,
/// and is not reported again.
/// </summary>
internal static class NodeReading
{
    public static Node? Find(this Node? node, string key)
    {
        if (node is MappingNode mapping)
            foreach (var member in mapping.Members)
                if (member.Key.Text == key)
                    return member.Value;
        return null;
    }

    /// <summary>A scalar that is not null; may be empty.</summary>
    public static ScalarNode? Scalar(this Node? node, string key) => node.Find(key).AsScalar();

    public static ScalarNode? AsScalar(this Node? node) => node is ScalarNode { IsNull: false } scalar ? scalar : null;

    /// <summary>The entries of a list; none for anything else.</summary>
    public static ImmutableArray<Node> Items(this Node? node, string key) => node.Find(key) is SequenceNode sequence ? sequence.Items : [];

    /// <summary>The scalars of a list, or the one scalar that stands for it.</summary>
    public static IEnumerable<ScalarNode> Scalars(this Node? node)
    {
        var items = node is SequenceNode sequence ? sequence.Items : node is null ? [] : [node];
        return items.Select(AsScalar).OfType<ScalarNode>();
    }

    /// <summary>The entries of a mapping; none for anything else.</summary>
    public static ImmutableArray<Member> Members(this Node? node, string key) => node.Find(key) is MappingNode mapping
        ? mapping.Members
        : [];
}
