using System.Globalization;

namespace Gatehouse.Policy.Learning;

/// <summary>Many ports of one host are a search for an open one, not a program's need: they are for a person to allow, and told as one.</summary>
internal static class PortScans
{
    /// <summary>Ports of one host that programs use; and as many of a scan's are shown.</summary>
    public const int Most = 8;

    public static IEnumerable<SuggestedRule> Fold(IEnumerable<SuggestedRule> rules) =>
        rules.GroupBy(rule => (rule.Kind, rule.Subject, IsOrdinary: rule.Port is 0 or 80 or 443), (host, tried) =>
        {
            List<SuggestedRule> all = [.. tried.OrderBy(rule => rule.Port)];
            return host.IsOrdinary || all.Count <= Most ? all : [Scan(all)];
        }).SelectMany(each => each);

    private static SuggestedRule Scan(List<SuggestedRule> ports)
    {
        var one = ports[0];
        var shown = string.Join(", ", ports.Take(Most).Select(rule => rule.Port.ToString(CultureInfo.InvariantCulture)));
        return one with
        {
            Line = one.Line.Replace(string.Create(CultureInfo.InvariantCulture, $"[{one.Port}]"), $"[{shown}]", StringComparison.Ordinal),
            Note = string.Create(CultureInfo.InvariantCulture, $"{ports.Count} different ports{(ports.Count > Most ? $", the first {Most} of which are here" : "")}: so open ones are searched for"),
            IsSafe = false,
            IsGuess = false,
            Count = ports.Sum(rule => rule.Count),
        };
    }
}
