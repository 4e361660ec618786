using System.Collections.Immutable;

namespace Gatehouse.Policy.Learning;

/// <summary>What a session's denials teach.</summary>
/// <param name="Rules">What would have allowed them.</param>
/// <param name="Left">Denials that no rule would have changed: why, and how many.</param>
/// <param name="Cut">Suggestions beyond <see cref="PolicyLearner.MostRules"/> of a kind, which are not among the rules.</param>
public sealed record Lesson(ImmutableArray<SuggestedRule> Rules, ImmutableSortedDictionary<string, int> Left, int Cut);
