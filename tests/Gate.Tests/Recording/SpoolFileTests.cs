using System.Text;
using Gatehouse.Gate.Recording;
using Gatehouse.TestKit;

namespace Gatehouse.Gate.Tests.Recording;

/// <summary>Both ways of writing: what must hold does not depend on the file system.</summary>
public abstract class SpoolFileTests(bool mapped) : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose()
    {
        _folder.Dispose();
        GC.SuppressFinalize(this);
    }

    private string SpoolPath => _folder.File("egress.ndjson");

    [Fact]
    public void Lines_Appended_ComeOutWholeAndInOrder()
    {
        using var spool = Open(1024);
        Append(spool, "a\nbb\n");
        Append(spool, "ccc\n");
        Assert.Equal("a\nbb\n", Peek(spool, lines: 2));
        Assert.Equal("a\n", Peek(spool, bytes: 4));
        spool.Deliver(2);
        Assert.Equal("bb\nccc\n", Peek(spool));
        spool.Deliver(7);
        Assert.Equal("", Peek(spool));
        Assert.Equal("", SpoolContent.Read(SpoolPath));
    }

    [Fact]
    public void Lines_OverTheBound_AreNotTakenUntilOthersAreDelivered()
    {
        using var spool = Open(8);
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
        using var again = Open(1024);
        Assert.Equal("1\n2\n", Peek(again));
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("1", "")]
    [InlineData("1\n", "1\n")]
    [InlineData("1\n2", "1\n")]
    [InlineData("1\n2\n{\"id\":", "1\n2\n")]
    [InlineData("\0\0\0", "")]
    [InlineData("1\n\0\0\0", "1\n")]
    [InlineData("1\n{\"id\":\0\0\0", "1\n")]
    public void Line_TornByADeath_IsCutOff(string found, string expected)
    {
        File.WriteAllText(SpoolPath, found);
        using var spool = Open(1024);
        Append(spool, "next\n");
        Assert.Equal(expected + "next\n", Peek(spool));
    }

    [Fact]
    public void Line_TornAndLong_IsCutOff()
    {
        File.WriteAllText(SpoolPath, "1\n" + new string('x', 300_000));
        using var spool = Open(1024);
        Assert.Equal(2, spool.Pending);
    }

    [Fact]
    public void File_UnderSteadyLoad_StaysBounded()
    {
        using var spool = Open(64 * 1024 * 1024);
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
        using var spool = Open(1024 * 1024);
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
        Assert.InRange(new FileInfo(SpoolPath).Length, line.Length, 700_000);
    }

    [Fact]
    public async Task Lines_AppendedWhileTheFileIsCompacted_AreAllThereOnceAndInOrder()
    {
        using var spool = Open(64 * 1024 * 1024);
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
        using var spool = Open(1024);
        Assert.False(File.Exists(SpoolPath + ".new"));
        Assert.Equal("1\n", Peek(spool));
    }

    [Fact]
    public void File_InUse_IsRefused()
    {
        using var spool = Open(1024);
        Assert.Contains("in use by another process", Assert.Throws<IOException>(() => Open(1024)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Garbage_WithoutLines_DoesNotWedge()
    {
        File.WriteAllText(SpoolPath, new string('x', 100) + "\n");
        using var spool = Open(1024);
        Assert.Equal(10, spool.Peek(1000, 10).Length);
    }

    [Fact]
    public void Lines_LongerThanTheRoomThatIsMadeAtOnce_ComeOutWholeAmongOthers()
    {
        using var spool = Open(16 * 1024 * 1024);
        var random = new Random(5);
        var all = new StringBuilder();
        for (var i = 0; i < 200; i++)
        {
            var lines = new string((char)('a' + (i % 26)), random.Next(i % 20 == 0 ? 700_000 : 3_000)) + "\n";
            Append(spool, lines);
            all.Append(lines);
            if (random.Next(4) > 0 || spool.Peek(1000, 8 * 1024 * 1024) is not { IsEmpty: false } batch)
                continue;
            Assert.Equal(all.ToString(0, batch.Length), Encoding.ASCII.GetString(batch.Span));
            all.Remove(0, batch.Length);
            spool.Deliver(batch.Length);
        }

        Assert.Equal(all.ToString(), SpoolContent.Read(SpoolPath)[^all.Length..]);
        spool.Dispose();
        using var again = Open(16 * 1024 * 1024);
        Assert.EndsWith(all.ToString(), Peek(again, bytes: 16 * 1024 * 1024), StringComparison.Ordinal);
    }

    [Fact]
    public void File_Closed_EndsWithItsLastLine()
    {
        using (var spool = Open(1024))
            Append(spool, "1\n2\n");
        Assert.Equal("1\n2\n", File.ReadAllText(SpoolPath));
        using (var spool = Open(1024))
            spool.Deliver(4);
        Assert.Equal("", File.ReadAllText(SpoolPath));
    }

    [Fact]
    public void Way_IsAsTheTestSays()
    {
        using var spool = Open(1024);
        Append(spool, "1\n");
        Assert.Equal(mapped && SpoolWindow.IsPossible(_folder.Path), new FileInfo(SpoolPath).Length > 2);
    }

    private SpoolFile Open(long most) => new(SpoolPath, most, mayMap: mapped);

    private static void Append(SpoolFile spool, string lines) => Assert.True(spool.TryAppend(Encoding.UTF8.GetBytes(lines)));

    private static string Peek(SpoolFile spool, int lines = 1000, int bytes = 1000) => Encoding.UTF8.GetString(spool.Peek(lines, bytes).Span);
}

public sealed class MappedSpoolFileTests() : SpoolFileTests(mapped: true);

public sealed class WrittenSpoolFileTests() : SpoolFileTests(mapped: false);
