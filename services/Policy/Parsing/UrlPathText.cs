using Gatehouse.Policy.Names;
using Gatehouse.Policy.Yaml;

namespace Gatehouse.Policy.Parsing;

/// <summary>
/// Globs over URL paths. One that no normalised path could match is an error: it would look like a permission and be none.
/// </summary>
internal static class UrlPathText
{
    public static PathPattern? Pattern(ScalarNode scalar, ErrorList errors)
    {
        var text = scalar.Text;
        var shown = Shown.Quoted(text);
        if (text.Length == 0)
            return null;
        if (text[0] != '/')
            errors.Add(scalar.At, $"The path {shown} does not begin with a slash", $"Write {Shown.Plain("/" + text)}.");
        else if (text.Contains('?') || text.Contains('#'))
            errors.Add(scalar.At, $"The path {shown} holds a query or fragment", "Write the path alone; parameters go under 'query:'.");
        else if (!PathPattern.TryParse(text, out var pattern, out var error))
            errors.Add(scalar.At, $"The path {shown} is not a pattern: {error}", "Write one such as /v1/* or /v1/**.");
        else if (!HttpPath.TryNormalize(text, out var normalized, out error))
            errors.Add(scalar.At, $"The path {shown} matches no request: {error}", "Write the path as it is after normalisation.");
        else if (normalized != text)
            errors.Add(scalar.At, $"The path {shown} matches no request, because they are normalised first",
                $"Write {Shown.Plain(normalized)}.");
        else
            return pattern;
        return null;
    }
}
