using System.Collections.Immutable;
using Gatehouse.Policy.Yaml;

namespace Gatehouse.Policy.Parsing;

/// <summary>Collects errors while a policy is read, so that all come out at once.</summary>
internal sealed class ErrorList(string file)
{
    /// <summary>More than anybody mends in one go, and a bound on what a hostile policy makes us print.</summary>
    private const int MaxErrors = 100;

    private readonly List<PolicyError> _errors = [];
    private int _more;

    public bool IsEmpty => _errors.Count == 0;

    /// <summary>Whether more errors are only counted, and so need no words.</summary>
    public bool IsFull => _errors.Count == MaxErrors;

    /// <param name="at">Where.</param>
    /// <param name="message">What is wrong, without a full stop.</param>
    /// <param name="fix">What to write, as a sentence.</param>
    public void Add(Position at, string message, string fix)
    {
        if (_errors.Count < MaxErrors)
            _errors.Add(new PolicyError(file, at.Line, at.Column, message, fix));
        else
            _more++;
    }

    /// <summary>A part that is right, and that nothing would hold yet.</summary>
    public void Unsupported(Position at, string what) =>
        Add(at, $"{what} is not supported yet", "Remove it: Gatehouse refuses a policy that it could not hold in full.");

    /// <summary>In the order of the file.</summary>
    public ImmutableArray<PolicyError> ToImmutable()
    {
        var sorted = _errors.OrderBy(error => error.Line).ThenBy(error => error.Column).ToList();
        if (_more > 0)
            sorted.Add(new PolicyError(file, sorted[^1].Line, sorted[^1].Column, $"There are {_more} more errors", "Mend these first."));
        return [.. sorted];
    }
}
