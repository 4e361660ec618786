using Gatehouse.LogSink.Store;
using Gatehouse.LogSink.Tests.Support;

namespace Gatehouse.LogSink.Tests.Store;

public sealed class SchemaTests
{
    [Fact]
    public async Task Database_OfANewerVersion_IsLeftAlone()
    {
        await using var sink = await RunningSink.StartAsync();
        await sink.StopAsync();
        sink.Edit("PRAGMA user_version = 99");

        var refused = await Assert.ThrowsAsync<StoreUnusableException>(sink.StartAgainAsync);

        Assert.Contains("version 99", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Database_ThatIsNone_IsLeftAlone()
    {
        await using var sink = await RunningSink.StartAsync();
        await sink.StopAsync();
        await File.WriteAllTextAsync(sink.Database, new string('x', 5_000));

        await Assert.ThrowsAsync<StoreUnusableException>(sink.StartAgainAsync);

        Assert.Equal(new string('x', 5_000), await File.ReadAllTextAsync(sink.Database));
    }
}
