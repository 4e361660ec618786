using System.Text;
using Gatehouse.AgentSandbox.Workspaces.Diffs;

namespace Gatehouse.AgentSandbox.Tests.Workspaces;

public sealed class UnifiedDiffTests
{
    [Fact]
    public void Diff_Changes_AreAsDiffShowsThem()
    {
        using var session = new OverlaySession().WithHost("seq 20 > f; echo x > gone; echo m > mode").Begin()
            .Agent("sed -i 's/^3$/three/; s/^15$/fifteen\\nand a half/' f; rm gone; printf new > added; chmod 755 mode; ln -s f link; head -c 9 /dev/zero > bin");

        Assert.Equal("""
            added added
            --- /dev/null
            +++ b/added
            @@ -0,0 +1 @@
            +new
            \ No newline at end of file
            added bin
              binary: 0 bytes before, 9 now
            modified f
            --- a/f
            +++ b/f
            @@ -1,6 +1,6 @@
             1
             2
            -3
            +three
             4
             5
             6
            @@ -12,7 +12,8 @@
             12
             13
             14
            -15
            +fifteen
            +and a half
             16
             17
             18
            deleted gone
            --- a/gone
            +++ /dev/null
            @@ -1 +0,0 @@
            -x
            added link
            --- /dev/null
            +++ b/link
            @@ -0,0 +1 @@
            +f
            \ No newline at end of file
            modified mode (mode 644 → 755)

            """, Diff(session));
    }

    [Fact]
    public void Diff_EscapesAndOverrides_AreNeutralised()
    {
        using var session = new OverlaySession().Begin().Agent("""printf 'a\033[2K\rb\tc\xe2\x80\xaed\\n\xff\n' > $'f\e[31m'""");

        Assert.Contains("+a\\x1b[2K\\x0db\tc\\u{202e}d\\n\\xff\n", Diff(session), StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', Diff(session));
    }

    [Fact]
    public void Diff_HiddenFile_ShowsNothingOfTheHosts()
    {
        using var session = new OverlaySession().WithHost("echo key > .env").Begin("**/.env").Agent("echo mine > .env");

        Assert.DoesNotContain("key", Diff(session), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("a\nb\nc\n", "a\nc\n")]
    [InlineData("a\n", "a")]
    [InlineData("a\nb\n", "c\nd\n")]
    [InlineData("", "a\n")]
    public void Compare_Blocks_TurnOneTextIntoTheOther(string old, string now) => Check(old, now);

    [Fact]
    public void Compare_RandomTexts_TurnOneIntoTheOther()
    {
        var random = new Random(11);
        for (var i = 0; i < 500; i++)
            Check(Text(random), Text(random));
        Check(string.Concat(Enumerable.Range(0, 3000).Select(i => $"{i}\n")), string.Concat(Enumerable.Range(5000, 3000).Select(i => $"{i}\n")));
    }

    private static string Text(Random random) => string.Concat(Enumerable.Range(0, random.Next(30)).Select(_ => $"{(char)('a' + random.Next(4))}\n"));

    private static void Check(string old, string now)
    {
        List<ReadOnlyMemory<byte>> left = [.. old.Split('\n').Select(Line)], right = [.. now.Split('\n').Select(Line)];
        var result = new List<ReadOnlyMemory<byte>>();
        var at = 0;
        foreach (var block in LineDiff.Compare(left, right))
        {
            result.AddRange(left[at..block.OldStart]);
            Assert.Equal(result.Count, block.NewStart);
            result.AddRange(right[block.NewStart..block.NewEnd]);
            at = block.OldEnd;
        }

        result.AddRange(left[at..]);
        Assert.Equal(now, string.Join('\n', result.Select(line => Encoding.UTF8.GetString(line.Span))));
    }

    private static ReadOnlyMemory<byte> Line(string text) => Encoding.UTF8.GetBytes(text);

    private static string Diff(OverlaySession session)
    {
        using var review = session.Review();
        using var output = new StringWriter { NewLine = "\n" };
        foreach (var change in review.Changes())
        {
            var (old, now) = review.Contents(change, UnifiedDiff.MaxBytes);
            UnifiedDiff.Write(output, change, old, now);
        }

        return output.ToString();
    }
}
