using YamlDotNet.Core;

namespace Gatehouse.Policy.Editing;

/// <summary>Where in the text a rule goes, and what has to stand around it.</summary>
/// <param name="Text">The file.</param>
/// <param name="At">Offset to insert at.</param>
/// <param name="Before">What comes before the rule.</param>
/// <param name="After">What comes behind it.</param>
internal sealed record EgressPlace(string Text, int At, string Before, string After)
{
    public string Insert(string rule) => Text[..At] + Before + rule + After + Text[At..];

    /// <summary>Null when the place is none that one line can be added at.</summary>
    public static EgressPlace? Find(string yaml)
    {
        try
        {
            // Offsets are counted without the mark; it stays where it is.
            var skipped = yaml.StartsWith('\uFEFF') ? 1 : 0;
            var root = Outline.Read(yaml[skipped..]);
            return root is null ? null : Find(yaml, skipped, root);
        }
        catch (Exception e) when (e is YamlException or ArgumentException or InvalidOperationException)
        {
            return null;
        }
    }

    private static EgressPlace? Find(string yaml, int skipped, Outline root)
    {
        var line = yaml.Contains("\r\n", StringComparison.Ordinal) ? "\r\n" : "\n";
        if (!root.IsMapping || root.IsFlow)
            return null;
        if (root.Child("egress") is not var (egressKey, egress))
            return AfterLine(root.LastLeafEnd, root.Column, $"egress:{line}  allow:{line}    - ");
        if (egress.IsEmpty)
            return AfterLine(egressKey.End, root.Column + 2, $"allow:{line}{new string(' ', root.Column + 4)}- ");
        if (!egress.IsMapping)
            return null;
        if (egress.Child("allow") is not var (allowKey, allow))
        {
            return egress.IsFlow
                ? Inside(egress.Start, egress.IsBare ? "" : ",", " allow: [", "]")
                : AfterLine(egressKey.End, egress.Column, $"allow:{line}{new string(' ', egress.Column + 2)}- ");
        }

        if (allow.IsEmpty)
            return egress.IsFlow ? null : AfterLine(allowKey.End, egress.Column + 2, "- ");
        if (!allow.IsSequence)
            return null;
        if (!allow.IsFlow)
            return AfterLine(allow.LastLeafEnd, allow.Column, "- ");
        return allow.IsBare
            ? Inside(allow.Start, "", " ", " ")
            : new EgressPlace(yaml, skipped + allow.Inner, ", ", "");

        // Behind the end of the line that holds this offset: a comment on it stays with what it is about.
        EgressPlace AfterLine(int offset, int column, string before)
        {
            var end = yaml.IndexOf('\n', skipped + offset);
            var indent = new string(' ', column);
            return end < 0
                ? new EgressPlace(yaml, yaml.Length, line + indent + before, line)
                : new EgressPlace(yaml, end + 1, indent + before, line);
        }

        // Right behind an opening bracket.
        EgressPlace Inside(int start, string separator, string before, string after) =>
            new(yaml, skipped + start + 1, before, after + separator);
    }
}
