using System.Collections.Immutable;
using Gatehouse.Policy.Yaml;

namespace Gatehouse.Policy.Parsing;

/// <summary><c>execution:</c></summary>
internal static class ExecutionReader
{
    /// <summary>Default when the policy names no list: an empty one allows nothing.</summary>
    public static ImmutableArray<string> Read(Node? execution, ErrorList errors)
    {
        if (execution.Find("allow") is not SequenceNode list)
            return default;
        var commands = ImmutableArray.CreateBuilder<string>();
        foreach (var scalar in list.Scalars())
        {
            var text = scalar.Text;
            var isName = !text.Contains('/') && text is not ("" or "." or "..");
            var isPath = text.Length > 1 && text[0] == '/' && !text[1..].Split('/').Any(segment => segment is "" or "." or "..");
            if (commands.Contains(text))
                errors.Add(scalar.At, $"{Shown.Quoted(text)} is written twice", "Keep one of the two.");
            else if (isName || isPath)
                commands.Add(text);
            else if (text.Length > 0)
                errors.Add(scalar.At, $"{Shown.Quoted(text)} is not a program",
                    "Write a name such as git, or an absolute path such as /usr/bin/git.");
        }

        return commands.ToImmutable();
    }
}
