using System.Collections.Immutable;

namespace Gatehouse.Policy.Parsing;

/// <summary>Collects every error of one file, up to a number that nobody reads to the end.</summary>
internal sealed class ErrorList(string file)
{
    private const int Max = 200;

    private readonly List<PolicyError> _errors = [];

    public bool IsEmpty => _errors.Count == 0;

    public void Add(YamlNode at, string message, string fix) => Add(at.Line, at.Column, message, fix);

    public void Add(int line, int column, string message, string fix)
    {
        if (_errors.Count < Max)
            _errors.Add(new(file, line, column, message, fix));
    }

    /// <summary>In file order.</summary>
    public ImmutableArray<PolicyError> ToImmutable() => [.. _errors.OrderBy(error => error.Line).ThenBy(error => error.Column)];
}
