using System.Collections.Immutable;
using System.Text.RegularExpressions;
using Gatehouse.Policy.Yaml;

namespace Gatehouse.Policy.Parsing;

/// <summary>HTTP methods: one, or a list.</summary>
internal static partial class Methods
{
    public static ImmutableArray<string> Read(Node? node, ErrorList errors)
    {
        var methods = ImmutableArray.CreateBuilder<string>();
        foreach (var scalar in node.Scalars())
        {
            var text = scalar.Text;
            if (text is "CONNECT" or "TRACE")
                errors.Add(scalar.At, $"The method {text} never reaches a server", "Leave it out.");
            else if (Valid().IsMatch(text))
                methods.Add(text);
            else if (Valid().IsMatch(text.ToUpperInvariant()))
                errors.Add(scalar.At, $"Methods are written in capitals, not {Shown.Quoted(text)}", $"Write {text.ToUpperInvariant()}.");
            else if (text.Length > 0)
                errors.Add(scalar.At, $"{Shown.Quoted(text)} is not an HTTP method", text == "*"
                    ? "Name the methods."
                    : "Write one such as GET or POST.");
        }

        return methods.ToImmutable();
    }

    [GeneratedRegex(@"^[A-Z][A-Z0-9_-]{0,31}\z", RegexOptions.CultureInvariant)]
    private static partial Regex Valid();
}
