using System.Text;
using Gatehouse.Gate.Recording;
using Gatehouse.TestKit;

namespace Gatehouse.Gate.Tests.Recording;

public sealed class SpoolFileTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private string SpoolPath => _folder.File("egress.ndjson");

    [Fact]
    public void Lines_Appended_ComeOutWholeAndInOrder()
    {
        using var spool = new SpoolFile(SpoolPath, 1024);
        Append(spool, "a\nbb\n");
        Append(spool, "ccc\n");
        Assert.Equal("a\nbb\n", Peek(spool, lines: 2));
        Assert.Equal("a\n", Peek(spool, bytes: 4));
        spool.Deliver(2);
        Assert.Equal("bb\nccc\n", Peek(spool));
        spool.Deliver(7);
        Assert.Equal("", Peek(spool));
        Assert.Equal(0, new FileInfo(SpoolPath).Length);
    }

    [Fact]
    public void Lines_OverTheBound_AreNotTakenUntilOthersAreDelivered()
    {
        using var spool = new SpoolFile(SpoolPath, 8);
        Append(spool, "123\n456\n");
        Assert.False(spool.TryAppend("7\n"u8));
        spool.Deliver(4);
        Assert.True(spool.TryAppend("7\n"u8));
        Assert.Equal("456\n7\n", Peek(spool));
    }

    [Fact]
    public void Lines_OfAnEndedProcess_ComeOutAgain()
    {
        using (var spool = new SpoolFile(SpoolPath, 1024))
        {
            Append(spool, "1\n2\n");
            spool.Deliver(2);
        }
        using var again = new SpoolFile(SpoolPath, 1024);
        Assert.Equal("1\n2\n", Peek(again));
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("1", "")]
    [InlineData("1\n", "1\n")]
    [InlineData("1\n2", "1\n")]
    [InlineData("1\n2\n{\"id\":", "1\n2\n")]
    public void Line_TornByADeath_IsCutOff(string found, string expected)
    {
        File.WriteAllText(SpoolPath, found);
        using var spool = new SpoolFile(SpoolPath, 1024);
        Append(spool, "next\n");
        Assert.Equal(expected + "next\n", Peek(spool));
    }

    [Fact]
    public void Line_TornAndLong_IsCutOff()
    {
        File.WriteAllText(SpoolPath, "1\n" + new string('x', 300_000));
        using var spool = new SpoolFile(SpoolPath, 1024);
        Assert.Equal(2, spool.Pending);
    }

    [Fact]
    public void File_UnderSteadyLoad_StaysBounded()
    {
        using var spool = new SpoolFile(SpoolPath, 64 * 1024 * 1024);
        var line = Encoding.ASCII.GetBytes(new string('x', 99_999) + "\n");
        Assert.True(spool.TryAppend(line));
        for (var i = 0; i < 200; i++)
        {
            // Never empty, so never simply cut.
            Assert.True(spool.TryAppend(line));
            Assert.Equal(line.Length, spool.Peek(1, 1024 * 1024).Length);
            spool.Deliver(line.Length);
        }
        Assert.Equal(line.Length, spool.Pending);
        Assert.InRange(new FileInfo(SpoolPath).Length, line.Length, 2_000_000);
        Assert.Equal((UnixFileMode)0b110_000_000, File.GetUnixFileMode(SpoolPath));
    }

    [Fact]
    public void File_ThatCanNotBeCompacted_StaysBounded_AndTakesMoreOnceItIsEmpty()
    {
        Directory.CreateDirectory(SpoolPath + ".new/x");
        using var spool = new SpoolFile(SpoolPath, 1024 * 1024);
        var line = Encoding.ASCII.GetBytes(new string('x', 99_999) + "\n");
        Assert.True(spool.TryAppend(line));
        var taken = 0;
        for (; taken < 200 && spool.TryAppend(line); taken++)
            spool.Deliver(line.Length);
        Assert.InRange(taken, 30, 50); // 2 × 1 MiB and 2 MiB more, then it takes no more.
        Assert.Equal(line.Length, spool.Peek(1, 1024 * 1024).Length);

        Directory.Delete(SpoolPath + ".new", recursive: true);
        spool.Deliver(line.Length);
        Assert.True(spool.TryAppend(line));
        Assert.InRange(new FileInfo(SpoolPath).Length, line.Length, 2 * line.Length);
    }

    [Fact]
    public async Task Lines_AppendedWhileTheFileIsCompacted_AreAllThereOnceAndInOrder()
    {
        using var spool = new SpoolFile(SpoolPath, 64 * 1024 * 1024);
        const int Lines = 40_000;
        var appending = Task.Run(() =>
        {
            for (var i = 0; i < Lines; i++)
                Assert.True(spool.TryAppend(Encoding.ASCII.GetBytes($"{i:D400}\n")));
        });
        var next = 0;
        while (next < Lines)
        {
            var batch = spool.Peek(100, 1024 * 1024);
            foreach (var line in Encoding.ASCII.GetString(batch.Span).Split('\n', StringSplitOptions.RemoveEmptyEntries))
                Assert.Equal(next++, int.Parse(line, System.Globalization.CultureInfo.InvariantCulture));
            spool.Deliver(batch.Length);
        }

        await appending;
        Assert.Equal(0, spool.Pending);
    }

    [Fact]
    public void File_LeftByADeathWhileCompacting_IsRemoved()
    {
        File.WriteAllText(SpoolPath, "1\n");
        File.WriteAllText(SpoolPath + ".new", "half");
        using var spool = new SpoolFile(SpoolPath, 1024);
        Assert.False(File.Exists(SpoolPath + ".new"));
        Assert.Equal("1\n", Peek(spool));
    }

    [Fact]
    public void File_InUse_IsRefused()
    {
        using var spool = new SpoolFile(SpoolPath, 1024);
        Assert.Contains("in use by another process", Assert.Throws<IOException>(() => new SpoolFile(SpoolPath, 1024)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Garbage_WithoutLines_DoesNotWedge()
    {
        File.WriteAllText(SpoolPath, new string('x', 100) + "\n");
        using var spool = new SpoolFile(SpoolPath, 1024);
        Assert.Equal(10, spool.Peek(1000, 10).Length);
    }

    private static void Append(SpoolFile spool, string lines) => Assert.True(spool.TryAppend(Encoding.UTF8.GetBytes(lines)));

    private static string Peek(SpoolFile spool, int lines = 1000, int bytes = 1000) => Encoding.UTF8.GetString(spool.Peek(lines, bytes).Span);
}
