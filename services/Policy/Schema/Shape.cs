using System.Collections.Immutable;

namespace Gatehouse.Policy.Schema;

/// <summary>What may stand at one place of a policy. One description drives the check, the suggestions and the JSON Schema.</summary>
/// <param name="Description">For people, shown by editors.</param>
internal abstract record Shape(string Description);

/// <param name="Description">For people.</param>
/// <param name="Type">JSON Schema type: <c>string</c>, <c>integer</c>, <c>number</c>.</param>
/// <param name="Values">The only values; empty: any.</param>
/// <param name="Pattern">ECMA 262 pattern, for editors.</param>
/// <param name="Example">Shown in errors and by editors.</param>
internal sealed record ScalarShape(string Description, string Type, ImmutableArray<string> Values, string? Pattern = null, string? Example = null) : Shape(Description);

/// <param name="Description">For people.</param>
/// <param name="Item">Every item.</param>
/// <param name="Max">Most items.</param>
internal sealed record ListShape(string Description, Shape Item, int Max) : Shape(Description);

/// <summary>A mapping with these keys and no others.</summary>
internal sealed record MapShape(string Description, ImmutableArray<KeyShape> Keys) : Shape(Description);

/// <summary>A mapping from any name to one shape.</summary>
internal sealed record NamesShape(string Description, Shape Value, int Max) : Shape(Description);

/// <summary>Checked by whoever reads it.</summary>
internal sealed record AnyShape(string Description) : Shape(Description);

/// <summary>One item, or a list of them.</summary>
internal sealed record OneOrManyShape(string Description, Shape Item, int Max) : Shape(Description);

/// <param name="Name">As written.</param>
/// <param name="Value">What stands behind it.</param>
/// <param name="Required">Whether it must be there.</param>
internal sealed record KeyShape(string Name, Shape Value, bool Required = false);
