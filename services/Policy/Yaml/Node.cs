using System.Collections.Immutable;

namespace Gatehouse.Policy.Yaml;

/// <summary>A place in the policy's text; both count from 1.</summary>
internal readonly record struct Position(int Line, int Column);

/// <summary>A piece of the YAML document that knows where it stands.</summary>
internal abstract record Node(Position At);

/// <param name="At">Where it starts.</param>
/// <param name="Text">The value, with quotes and escapes resolved.</param>
/// <param name="IsPlain">Written without quotes and not as a block.</param>
internal sealed record ScalarNode(Position At, string Text, bool IsPlain) : Node(At)
{
    /// <summary>
    /// Nothing, or what YAML's core schema reads as nothing. Every other plain word is text here — <c>no</c>, <c>on</c> and <c>1.10</c>
    /// too, which YAML 1.1 turns into something else.
    /// </summary>
    public bool IsNull => IsPlain && Text is ("" or "~" or "null" or "Null" or "NULL");
}

internal sealed record SequenceNode(Position At, ImmutableArray<Node> Items) : Node(At);

internal sealed record MappingNode(Position At, ImmutableArray<Member> Members) : Node(At);

/// <summary>Something already reported as an error: nothing more is said about it.</summary>
internal sealed record BrokenNode(Position At) : Node(At);

/// <summary>One entry of a mapping.</summary>
internal readonly record struct Member(ScalarNode Key, Node Value);
