using System.Collections.Immutable;

namespace Gatehouse.Policy.Parsing;

/// <summary>YAML text to <see cref="AgentPolicy"/>, or every error in it.</summary>
public static class PolicyParser
{
    /// <summary>The longest policy that is read, in bytes of UTF-8.</summary>
    public const int MaxBytes = 4 * 1024 * 1024;

    /// <param name="yaml">The whole file.</param>
    /// <param name="file">Its name, for messages.</param>
    public static PolicyParseResult Parse(string yaml, string file) => throw new NotImplementedException();
}

/// <summary>Either a policy and no error, or at least one error and no policy.</summary>
public sealed record PolicyParseResult(AgentPolicy? Policy, ImmutableArray<PolicyError> Errors);

/// <param name="File">As given to the parser.</param>
/// <param name="Line">From 1.</param>
/// <param name="Column">From 1.</param>
/// <param name="Message">What is wrong.</param>
/// <param name="Fix">What to write instead.</param>
public sealed record PolicyError(string File, int Line, int Column, string Message, string Fix)
{
    public override string ToString() => $"{File}:{Line}:{Column}: {Message}. {Fix}";
}
