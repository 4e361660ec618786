using System.Collections.Immutable;

namespace Gatehouse.Policy.Schema;

/// <summary>
/// What may stand at one place of a policy. The one description behind unknown-key errors, their suggestions, type errors and the
/// JSON Schema
/// that editors use; what no schema can say is checked by the readers in <c>Parsing/</c>.
/// </summary>
/// <param name="Description">For editors: what it means, in a sentence.</param>
internal abstract record Shape(string Description);

/// <summary>A mapping with fixed keys.</summary>
internal sealed record ObjectShape(string Description, ImmutableArray<Key> Keys) : Shape(Description);

/// <summary>A mapping from names of the author's choice.</summary>
internal sealed record MapShape(string Description, Shape Value, int MaxCount) : Shape(Description);

/// <param name="Description">What it lists.</param>
/// <param name="Item">Each entry.</param>
/// <param name="MaxCount">The most entries.</param>
/// <param name="MinCount">The fewest entries.</param>
/// <param name="OrOne">Whether one entry may stand without brackets.</param>
internal sealed record ListShape(string Description, Shape Item, int MaxCount, int MinCount = 0, bool OrOne = false) : Shape(Description);

/// <summary>Text.</summary>
/// <param name="Description">What it means.</param>
/// <param name="Example">A value that is right, as YAML.</param>
/// <param name="MaxLength">In characters.</param>
internal sealed record TextShape(string Description, string Example, int MaxLength = 4096) : Shape(Description)
{
    /// <summary>Whether <c>""</c> is a value.</summary>
    public bool MayBeEmpty { get; init; }
}

/// <summary>One of a few words, the first being the default.</summary>
internal sealed record WordShape(string Description, ImmutableArray<Word> Words) : Shape(Description);

/// <summary><c>true</c> or <c>false</c>.</summary>
internal sealed record SwitchShape(string Description) : Shape(Description);

internal sealed record IntegerShape(string Description, long Min, long Max) : Shape(Description);

/// <summary>A decimal number.</summary>
internal sealed record DecimalShape(string Description, double Min, double Max) : Shape(Description);

/// <summary>Bytes: <c>512MiB</c>, <c>50MB</c> or a plain number.</summary>
internal sealed record SizeShape(string Description, long Min, long Max) : Shape(Description);

/// <summary>A time span: <c>1h30m</c>.</summary>
internal sealed record DurationShape(string Description, TimeSpan Max) : Shape(Description);

/// <summary>One of several kinds, told apart by whether they are mappings.</summary>
internal sealed record EitherShape(string Description, Shape Plain, ObjectShape Mapping) : Shape(Description);

/// <summary>A key of an <see cref="ObjectShape"/>.</summary>
internal sealed record Key(string Name, Shape Shape)
{
    public bool IsRequired { get; init; }

    /// <summary>What must be supported for the key to be taken.</summary>
    public PolicyFeatures Needs { get; init; }
}

/// <summary>A value of a <see cref="WordShape"/>.</summary>
internal sealed record Word(string Text, PolicyFeatures Needs = PolicyFeatures.None);
