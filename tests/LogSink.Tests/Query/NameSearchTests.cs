using System.Globalization;
using Gatehouse.LogSink.Store;
using Gatehouse.LogSink.Tests.Support;
using Gatehouse.Policy;
using Gatehouse.Policy.Events;
using Microsoft.Data.Sqlite;

namespace Gatehouse.LogSink.Tests.Query;

/// <summary>Searching for names leaves out blocks of records that can not have them, and never one that has.</summary>
public sealed class NameSearchTests
{
    private static readonly string[] s_words = ["Example", "api", "å漢🙂", "a", "", ".", "XN--", "\0", "\e[2J", "long" + new string('x', 400), "%", "_", "'"];

    [Fact]
    public async Task Search_OfAnyText_FindsWhatReadingEverythingFinds()
    {
        await using var sink = await RunningSink.StartAsync();
        var random = new Random(7);
        var stored = new List<BoundaryEvent>();
        // Restarts in the middle of a block, and one at its end.
        foreach (var count in (int[])[100, 156, 300, 700, 3])
        {
            var events = Enumerable.Range(0, count).Select(_ => Sample.Event("s1", Subject(random)) with
            {
                Verdict = random.Next(4) == 0 ? VerdictKind.Denied : VerdictKind.Allowed,
            }).ToList();
            await sink.StoreAsync(events);
            stored.AddRange(events);
            await sink.StopAsync();
            await sink.StartAgainAsync();
        }

        var found = 0;
        for (var i = 0; i < 150; i++)
        {
            var text = Text(random, stored);
            var (after, before) = (random.Next(3) == 0 ? random.Next(1_300) : 0, random.Next(3) == 0 ? random.Next(1_300) : 5_000);
            var denied = random.Next(3) == 0;
            var ascending = random.Next(2) == 0;
            var expected = stored.Select((each, at) => (Sequence: at + 1, each)).Where(one =>
                one.Sequence > after && one.Sequence < before && (!denied || one.each.Verdict == VerdictKind.Denied) && Lower(one.each.Subject).Contains(Lower(text), StringComparison.Ordinal))
                .Select(one => one.Sequence).ToList();
            if (!ascending)
                expected.Reverse();

            var query = string.Create(CultureInfo.InvariantCulture, $"/events?limit=20&name={Uri.EscapeDataString(text)}&after={after}&before={before}&order={(ascending ? "asc" : "desc")}");
            var lines = await sink.GetLinesAsync(query + (denied ? "&verdict=denied" : ""));

            Assert.Equal(expected.Take(20), lines.Select(line => line.GetProperty("sequence").GetInt32()));
            found += expected.Count;
        }

        Assert.True(found > 1_000, $"only {found} records were found in all");
    }

    [Fact]
    public async Task Search_OfOneName_ReadsItsBlockAndTheNewest()
    {
        await using var sink = await RunningSink.StartAsync();
        var events = Sample.Many(1_000).Concat([Sample.Event("s1", "the.NEEDLE.test A")]).Concat(Sample.Many(999)).ToArray();
        await sink.StoreAsync(events[..1_000]);
        await sink.StoreAsync(events[1_000..]);

        using var connection = new SqliteConnection($"Data Source={sink.Database};Mode=ReadOnly;Pooling=False");
        connection.Open();

        // Record 1001 is in the last part of 32 of the fourth block of 256; behind the seventh block, which ends with 1792, none is whole.
        Assert.Equal([(1_792, 5_000), (992, 1_025)], NameFilterTable.Candidates(connection, "needle.t", 0, 5_000, newestFirst: true));
        Assert.Equal([(992, 1_025), (1_792, 5_000)], NameFilterTable.Candidates(connection, "needle.t", 0, 5_000, newestFirst: false));
        Assert.Equal([(1_000, 1_002)], NameFilterTable.Candidates(connection, "needle.t", 1_000, 1_002, newestFirst: true));
        Assert.Equal([(0, 5_000)], NameFilterTable.Candidates(connection, "zz", 0, 5_000, newestFirst: true));
        Assert.Equal([1_001], (await sink.GetLinesAsync("/events?name=Needle")).Select(line => line.GetProperty("sequence").GetInt32()));
    }

    /// <summary>Those that a version before this wrote have another length.</summary>
    [Theory]
    [InlineData(1_024)]
    [InlineData(0)]
    [InlineData(5_000)]
    public async Task Filter_OfAnotherLength_IsNotBelieved(int length)
    {
        await using var sink = await RunningSink.StartAsync();
        await sink.StoreAsync(Sample.Many(300).Concat([Sample.Event("s1", "the.NEEDLE.test A")]).Concat(Sample.Many(300)));
        using (var connection = new SqliteConnection($"Data Source={sink.Database};Pooling=False"))
        {
            connection.Open();
            EventDatabase.Execute(connection, $"UPDATE name_filters SET filter = zeroblob({length})");
        }

        foreach (var order in (string[])["asc", "desc"])
            Assert.Equal([301], (await sink.GetLinesAsync($"/events?name=Needle&order={order}")).Select(line => line.GetProperty("sequence").GetInt32()));
    }

    [Fact]
    public async Task Search_InAnAgentsNoise_StillFindsEverything()
    {
        await using var sink = await RunningSink.StartAsync();
        var random = new Random(3);
        var noise = new byte[1_500];
        for (var i = 0; i < 4; i++)
        {
            await sink.StoreAsync(Enumerable.Range(0, 128).Select(at =>
            {
                random.NextBytes(noise);
                return Sample.Event("s1", at == 60 ? "quiet.example.com A" : Convert.ToBase64String(noise));
            }));
        }

        Assert.Equal(4, (await sink.GetLinesAsync("/events?name=quiet.example")).Count);
    }

    // As SQLite's lower: of ASCII alone.
    private static string Lower(string text) => string.Concat(text.Select(each => char.IsAsciiLetterUpper(each) ? (char)(each | 0x20) : each));

    private static string Subject(Random random) => string.Join(random.Next(2) == 0 ? "." : "", Enumerable.Range(0, 1 + random.Next(4)).Select(_ => random.Next(2) == 0 ? $"h{random.Next(500)}" : s_words[random.Next(s_words.Length)]));

    private static string Text(Random random, List<BoundaryEvent> stored)
    {
        var subject = stored[random.Next(stored.Count)].Subject;
        var start = random.Next(subject.Length + 1);
        var part = subject.Substring(start, Math.Min(subject.Length - start, random.Next(12)));
        // A URL can not hold half of a pair.
        return part.Any(char.IsSurrogate) ? "h1" : random.Next(2) == 0 ? part : part.ToUpperInvariant();
    }
}
