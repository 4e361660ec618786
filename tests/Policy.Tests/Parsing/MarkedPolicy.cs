using Gatehouse.Policy.Parsing;
using Gatehouse.Policy.Schema;

namespace Gatehouse.Policy.Tests.Parsing;

/// <summary>Policies with a mark where the error is expected.</summary>
internal static class MarkedPolicy
{
    private const char Mark = '»';

    /// <summary>Parses the text without its mark and asserts one error, at the mark.</summary>
    public static PolicyError SingleError(string marked, PolicyFeatures supported = PolicyFeatures.All)
    {
        var at = marked.IndexOf(Mark, StringComparison.Ordinal);
        Assert.True(at >= 0, "no mark");
        var yaml = marked.Remove(at, 1);
        var line = yaml[..at].Count(c => c == '\n') + 1;
        var column = at - (at == 0 ? -1 : yaml.LastIndexOf('\n', at - 1));
        var result = PolicyParser.Parse(yaml, "gatehouse.yaml", supported);
        var error = Assert.Single(result.Errors);
        Assert.Null(result.Policy);
        Assert.Equal($"gatehouse.yaml:{line}:{column}: {error.Message}. {error.Fix}", error.ToString());
        return error;
    }

    /// <summary>The same, and that the message and the fix hold these words.</summary>
    public static void AssertError(string marked, string message, string fix, PolicyFeatures supported = PolicyFeatures.All)
    {
        var error = SingleError(marked, supported);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.Contains(fix, error.Fix, StringComparison.Ordinal);
        Assert.EndsWith(".", error.Fix, StringComparison.Ordinal);
    }
}
