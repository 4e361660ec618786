using System.Collections.Immutable;

namespace Gatehouse.Policy.Secrets;

/// <summary>What one member of a JSON body may be.</summary>
/// <param name="Globs">One must match a text; empty: not restricted so.</param>
/// <param name="Min">Least number, inclusive.</param>
/// <param name="Max">Greatest number, inclusive.</param>
public sealed record BodyRule(ImmutableArray<string> Globs, double? Min, double? Max);
