using System.Text.Json;
using Gatehouse.LogSink.Chain;
using Gatehouse.LogSink.Store;
using Gatehouse.LogSink.Tests.Support;
using Microsoft.Data.Sqlite;

namespace Gatehouse.LogSink.Tests.Chain;

/// <summary>Somebody who can write every file of the sink but does not have its key.</summary>
public sealed class CheckpointTests
{
    private static async Task<RunningSink> StoppedTwiceAsync()
    {
        var sink = await RunningSink.StartAsync();
        await sink.StoreAsync(Sample.Many(5));
        await sink.StopAsync();
        await sink.StartAgainAsync();
        await sink.StoreAsync(Sample.Many(5));
        await sink.StopAsync();
        return sink;
    }

    private static async Task<long> SignedThroughAsync(RunningSink sink)
    {
        using var answer = JsonDocument.Parse(await sink.Client.GetStringAsync("/verify"));
        return answer.RootElement.GetProperty("signedThrough").GetInt64();
    }

    [Fact]
    public async Task Stop_SignsAllRecords_AndTheKeyIsItsOwnersAlone()
    {
        await using var sink = await StoppedTwiceAsync();

        await sink.StartAgainAsync();

        Assert.Equal("ok 10", await sink.VerifyAsync());
        Assert.Equal(10, await SignedThroughAsync(sink));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(SigningKey.PathFor(sink.Database)));
        using var key = JsonDocument.Parse(await sink.Client.GetStringAsync("/key"));
        Assert.Equal((await File.ReadAllTextAsync(SigningKey.PublicPathFor(sink.Database))).Trim(), key.RootElement.GetProperty("publicKey").GetString());
    }

    [Fact]
    public async Task Verify_ChainComputedAnew_IsNotTheOneThatWasSigned()
    {
        await using var sink = await StoppedTwiceAsync();
        Rewrite(sink);

        await sink.StartAgainAsync();

        Assert.Equal("5 changed: the chain up to here is not the one that was signed", await sink.VerifyAsync());
    }

    [Theory]
    [InlineData("DELETE FROM checkpoints WHERE sequence = 5", "10 changed: the checkpoint at record 5, which this one's follows, is missing")]
    [InlineData("UPDATE checkpoints SET signature = randomblob(64) WHERE sequence = 5", "5 changed: its checkpoint is not signed by this log sink")]
    [InlineData("UPDATE checkpoints SET signature = x'' WHERE sequence = 5", "5 changed: its checkpoint is not signed by this log sink")]
    [InlineData("UPDATE checkpoints SET time = time + 1 WHERE sequence = 10", "10 changed: its checkpoint is not signed by this log sink")]
    public async Task Verify_CheckpointsEdited_SaysSo(string sql, string expected)
    {
        await using var sink = await StoppedTwiceAsync();
        sink.Edit(sql);

        await sink.StartAgainAsync();

        Assert.Equal(expected, await sink.VerifyAsync());
    }

    [Fact]
    public async Task Verify_RecordsAndHeadCutOff_ACheckpointRemembersThem()
    {
        await using var sink = await StoppedTwiceAsync();
        sink.Edit("DELETE FROM events WHERE sequence > 7");
        File.Delete(sink.HeadFile);
        using (var head = HeadFile.Open(sink.HeadFile))
            head.Write(Last(sink));

        await sink.StartAgainAsync();

        Assert.Equal("8 truncated: missing: records 8 to 10, which a checkpoint signed", await sink.VerifyAsync());
    }

    [Fact]
    public async Task Start_KeyThatOthersMayRead_IsRefused()
    {
        await using var sink = await StoppedTwiceAsync();
        File.SetUnixFileMode(SigningKey.PathFor(sink.Database), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);

        await Assert.ThrowsAsync<StoreUnusableException>(sink.StartAgainAsync);
    }

    private static ChainHead Last(RunningSink sink)
    {
        using var connection = new EventDatabase(sink.Database).OpenWriter();
        var row = EventReader.Rows(connection, 0).Last();
        return new(row.Sequence, row.Hash);
    }

    // Every hash fits again, and the head file agrees.
    private static void Rewrite(RunningSink sink)
    {
        sink.Edit("UPDATE events SET subject = 'innocent.example.com A' WHERE sequence = 3");
        using (var connection = new EventDatabase(sink.Database).OpenWriter())
        {
            var form = new CanonicalForm();
            var previous = EventDatabase.Genesis(connection).Hash;
            foreach (var row in EventReader.Rows(connection, 0).ToList())
            {
                previous = form.Hash(previous, row.Sequence, row);
                using SqliteCommand command = connection.CreateCommand();
                command.CommandText = "UPDATE events SET hash = $hash WHERE sequence = $sequence";
                command.Parameters.AddWithValue("$hash", previous);
                command.Parameters.AddWithValue("$sequence", row.Sequence);
                command.ExecuteNonQuery();
            }
        }

        File.Delete(sink.HeadFile);
        using var head = HeadFile.Open(sink.HeadFile);
        head.Write(Last(sink));
    }
}
