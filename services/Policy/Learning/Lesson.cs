using System.Collections.Immutable;

namespace Gatehouse.Policy.Learning;

/// <summary>What a session's denials teach.</summary>
/// <param name="Rules">What would have allowed them.</param>
/// <param name="Left">Denials that no rule would have changed: why, and how many.</param>
public sealed record Lesson(ImmutableArray<SuggestedRule> Rules, ImmutableSortedDictionary<string, int> Left);
