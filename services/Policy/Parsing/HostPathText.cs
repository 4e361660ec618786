using Gatehouse.Policy.Yaml;

namespace Gatehouse.Policy.Parsing;

/// <summary>Paths on the host, kept as written: where they lead is known only where the policy is used.</summary>
internal static class HostPathText
{
    public static string? Read(ScalarNode? scalar, ErrorList errors)
    {
        if (scalar is null || scalar.Text.Length == 0 || scalar.Text.Contains('\0'))
            return null;
        if (scalar.Text[0] == '~' && scalar.Text.Length > 1 && scalar.Text[1] != '/')
        {
            errors.Add(scalar.At, $"The home of another user, {Shown.Quoted(scalar.Text)}, is not looked up",
                "Write the absolute path; for a file of that name, ./~….");
            return null;
        }

        if (scalar.Text.StartsWith("${", StringComparison.Ordinal))
        {
            errors.Add(scalar.At, $"Variables are not replaced in paths ({Shown.Quoted(scalar.Text)})", "Write the path out, or below ~.");
            return null;
        }

        return scalar.Text;
    }
}
