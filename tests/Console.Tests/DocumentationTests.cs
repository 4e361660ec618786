using System.Text.RegularExpressions;

namespace Gatehouse.Console.Tests;

public sealed partial class DocumentationTests
{
    [Fact]
    public void Pages_LinkToWhatIsThere()
    {
        var root = Root();
        List<string> missing = [];
        var links = 0;
        foreach (var page in Directory.GetFiles(Path.Combine(root, "docs"), "*.md").Append(Path.Combine(root, "README.md")))
        {
            foreach (var target in Link().Matches(File.ReadAllText(page)).Select(link => link.Groups["target"].Value))
            {
                if (target.Contains("://", StringComparison.Ordinal) || target.StartsWith("mailto:", StringComparison.Ordinal))
                    continue;
                links++;
                var parts = target.Split('#', 2);
                var path = parts[0].Length == 0 ? page : Path.GetFullPath(Path.Combine(Path.GetDirectoryName(page)!, parts[0]));
                if (!Path.Exists(path))
                    missing.Add($"{Path.GetRelativePath(root, page)}: {target}");
                else if (parts.Length == 2 && path.EndsWith(".md", StringComparison.Ordinal) && !Anchors(path).Contains(parts[1]))
                    missing.Add($"{Path.GetRelativePath(root, page)}: no heading is {target}");
            }
        }

        Assert.Empty(missing);
        Assert.InRange(links, 20, 1_000);
    }

    [Fact]
    public void Pictures_OfTheConsole_AreAllShown()
    {
        var root = Root();
        var text = File.ReadAllText(Path.Combine(root, "docs/console.md")) + File.ReadAllText(Path.Combine(root, "README.md"));
        Assert.All(Directory.GetFiles(Path.Combine(root, "docs/console")), file => Assert.Contains($"console/{Path.GetFileName(file)})", text, StringComparison.Ordinal));
    }

    // As GitHub makes them.
    private static HashSet<string> Anchors(string path) =>
        [.. File.ReadLines(path).Where(line => line.StartsWith('#')).Select(line => NoAnchor().Replace(line.TrimStart('#').Trim().ToLowerInvariant(), "").Replace(' ', '-'))];

    private static string Root()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Aspire.sln")))
                return folder.FullName;
        }

        throw new InvalidOperationException("the tests run outside of a checkout");
    }

    [GeneratedRegex(@"\]\((?<target>[^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"[^\w\- ]")]
    private static partial Regex NoAnchor();
}
