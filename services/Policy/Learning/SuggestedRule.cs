namespace Gatehouse.Policy.Learning;

/// <summary>What would have allowed one denied attempt, and no other.</summary>
/// <param name="Kind">What it is about.</param>
/// <param name="Subject">Host or address; for a secret, its name.</param>
/// <param name="Port">TCP port; 0 for a secret.</param>
/// <param name="Line">The entry, as YAML without its dash.</param>
/// <param name="Note">Why a person should look twice; null when there is nothing to say.</param>
/// <param name="IsSafe">May be added by itself. Raw addresses and secret calls are for a person to write.</param>
/// <param name="Count">Denied attempts that it comes from.</param>
public sealed record SuggestedRule(SuggestedKind Kind, string Subject, int Port, string Line, string? Note, bool IsSafe, int Count)
{
    /// <summary>Only the name was looked up: the port is the likeliest. Not <see cref="IsSafe"/>, since nothing was tried on it.</summary>
    public bool IsGuess { get; init; }
}

public enum SuggestedKind
{
    Host,
    Address,
    SecretCall,
}
