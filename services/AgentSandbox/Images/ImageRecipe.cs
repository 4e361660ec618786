using Gatehouse.AgentSandbox.Launch;

namespace Gatehouse.AgentSandbox.Images;

/// <summary>What goes into an agent image, as build arguments of <c>deploy/images/agent/Dockerfile</c>.</summary>
internal static class ImageRecipe
{
    /// <summary>OpenClaw wants 24.16 or newer, Claude Code 22.</summary>
    public const string Node = "24.21.0";

    private static readonly Dictionary<string, string> Agents = new(StringComparer.Ordinal)
    {
        ["claude-code"] = "CLAUDE_CODE",
        ["codex"] = "CODEX",
        ["openclaw"] = "OPENCLAW",
        ["gemini-cli"] = "GEMINI_CLI",
    };

    /// <param name="with">Agents and tools, each <c>name</c> or <c>name@version</c>: <c>claude-code</c>, <c>node@24.21.0</c>, <c>python</c>.</param>
    /// <returns><c>NAME=value</c>, in a fixed order, so that the engine's cache is hit.</returns>
    /// <exception cref="LaunchException">A name is unknown, or a version is missing or no version: all of them in one message.</exception>
    public static List<string> BuildArguments(IEnumerable<string> with)
    {
        var errors = new List<string>();
        var agents = new SortedSet<string>(StringComparer.Ordinal);
        var arguments = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var item in with.SelectMany(value => value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)))
        {
            var at = item.IndexOf('@');
            var (name, version) = at < 0 ? (item, null) : (item[..at], item[(at + 1)..]);
            if (version is not null && !IsVersion(version))
                errors.Add($"--with {item}: '{version}' is no version: write digits and dots, such as {Node}");
            else if (Agents.TryGetValue(name, out var argument))
            {
                _ = agents.Add(name);
                if (version is not null)
                    arguments[argument] = version;
            }
            else if (name == "node")
                arguments["NODE"] = version ?? Node;
            else if (name == "python" && version is null)
                arguments["PYTHON"] = "1";
            else if (name == "dotnet" && version is not null)
                arguments["DOTNET"] = version;
            else
            {
                errors.Add(name switch
                {
                    "dotnet" => "--with dotnet: name the SDK's full version, such as dotnet@10.0.100",
                    "python" => $"--with {item}: the version is the base image's: write python",
                    _ => $"--with {item} is not known: {string.Join(", ", Agents.Keys)}, node, dotnet@VERSION, python",
                });
            }
        }

        if (errors.Count > 0)
            throw new LaunchException(ExitCodes.Usage, string.Join('\n', errors));
        if (agents.Count > 0)
        {
            arguments["AGENTS"] = string.Join(',', agents);
            _ = arguments.TryAdd("NODE", Node);
        }

        return [.. arguments.Select(pair => $"{pair.Key}={pair.Value}")];
    }

    // It becomes part of a shell's words and of an address: nothing else may be in it.
    private static bool IsVersion(string version) =>
        version.Length is > 0 and <= 64 && char.IsAsciiDigit(version[0]) && version.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '+');
}
