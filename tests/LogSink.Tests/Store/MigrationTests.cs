using System.Text.Json;
using Gatehouse.LogSink.Tests.Support;

namespace Gatehouse.LogSink.Tests.Store;

/// <summary>Databases that earlier versions wrote: each new version of the schema leaves one here.</summary>
public sealed class MigrationTests
{
    [Theory]
    [InlineData("version-1.db")]
    [InlineData("version-2.db")]
    [InlineData("version-3.db")]
    [InlineData("version-4.db")]
    public async Task OldDatabase_Opened_KeepsItsRecordsAndGoesOn(string old)
    {
        await using var sink = await RunningSink.StartAsync();
        await sink.StopAsync();
        foreach (var file in Directory.GetFiles(Path.GetDirectoryName(sink.Database)!))
            File.Delete(file);
        var source = Path.Combine(AppContext.BaseDirectory, "Store", "OldDatabases", old);
        File.Copy(source, sink.Database);
        File.Copy(source + ".head", sink.HeadFile);

        await sink.StartAgainAsync();

        Assert.Equal("ok 3", await sink.VerifyAsync());
        if (old == "version-4.db")
            Assert.Equal("2 added, 1 modified", Assert.Single(await sink.GetLinesAsync("/sessions")).GetProperty("changes").GetString());
        Assert.Equal((2, 0), await sink.StoreAsync(Sample.Many(2)));
        Assert.Equal(5, (await sink.GetLinesAsync("/events?limit=100")).Count);
        await sink.StopAsync();
        await sink.StartAgainAsync();
        using var answer = JsonDocument.Parse(await sink.Client.GetStringAsync("/verify"));
        Assert.True(answer.RootElement.GetProperty("ok").GetBoolean());
        Assert.Equal(5, answer.RootElement.GetProperty("signedThrough").GetInt64());
    }
}
