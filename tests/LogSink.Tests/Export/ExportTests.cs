using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Gatehouse.LogSink.Tests.Support;
using Gatehouse.Record.Export;

namespace Gatehouse.LogSink.Tests.Export;

/// <summary>Exports, and what somebody who has only the file can do to it.</summary>
public sealed class ExportTests : IAsyncLifetime
{
    private RunningSink _sink = null!;

    public async Task InitializeAsync()
    {
        _sink = await RunningSink.StartAsync();
        for (var i = 0; i < 4; i++)
        {
            await _sink.StoreAsync(Sample.Many(3));
            await _sink.StoreAsync(Sample.Full() with { Session = "s2" });
        }
    }

    public async Task DisposeAsync() => await _sink.DisposeAsync();

    private async Task<List<string>> ExportAsync(string? session = null) =>
        [.. (await _sink.Client.GetStringAsync("/export" + (session is null ? "" : "?session=" + session))).Split('\n', StringSplitOptions.RemoveEmptyEntries)];

    private static string? Verify(IEnumerable<string> lines, out ExportVerification verification, byte[]? trusted = null)
    {
        using var reading = verification = new ExportVerification(trusted);
        foreach (var line in lines)
        {
            if (reading.Add(Encoding.UTF8.GetBytes(line)) is { } problem)
                return problem;
        }

        return reading.Complete();
    }

    private byte[] Key() => Convert.FromBase64String(File.ReadAllText(_sink.Database + ".pub").Trim());

    [Fact]
    public async Task Export_Untouched_IsWholeAndSignedByTheSink()
    {
        var lines = await ExportAsync();

        Assert.Null(Verify(lines, out var verification, Key()));
        Assert.Equal(16, verification.Records);
        Assert.Equal((1, 16), (verification.End!.From, verification.End.Through));
    }

    [Fact]
    public async Task Export_OfOneSession_HasItsRecordsAloneAndVerifies()
    {
        var lines = await ExportAsync("s2");

        Assert.Null(Verify(lines, out var verification, Key()));
        Assert.Equal(4, verification.Records);
        Assert.DoesNotContain("\"s1\"", string.Concat(lines), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, 3, "missing: record 3")]
    [InlineData(null, 16, "missing: record 16")]
    [InlineData(null, 1, "missing: record 1")]
    [InlineData("s2", 2, "missing: record 8")]
    [InlineData("s2", 1, "missing: record 4")]
    [InlineData("s2", 4, "missing: records 13 to 16")]
    public async Task Export_LineRemoved_IsNamed(string? session, int line, string expected)
    {
        var lines = await ExportAsync(session);
        lines.RemoveAt(line);

        Assert.Equal(expected, Verify(lines, out _));
    }

    [Theory]
    [InlineData("subject", "innocent.example.com A")]
    [InlineData("verdict", "allowed")]
    [InlineData("time", "2026-11-23T15:30:12.0000001+01:00")]
    [InlineData("bytesSent", "0")]
    [InlineData("reason", null)]
    [InlineData("rule", "<b>")]
    public async Task Export_MemberChanged_IsNamed(string member, string? value)
    {
        var lines = await ExportAsync();
        var record = JsonNode.Parse(lines[8])!.AsObject();
        if (value is null)
            record.Remove(member);
        else
            record[member] = long.TryParse(value, out var number) ? number : value;
        lines[8] = record.ToJsonString();

        Assert.Equal("changed: the hash of record 8 does not match", Verify(lines, out _));
    }

    [Theory]
    [InlineData("note", "\"unsigned\"")]
    [InlineData("subject", "\"twice\"")]
    public async Task Export_MemberAdded_IsRefused(string member, string json)
    {
        var lines = await ExportAsync();
        lines[8] = lines[8][..^1] + $",\"{member}\":{json}}}";

        Assert.StartsWith("changed: the line after record 7", Verify(lines, out _), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("hash")]
    [InlineData("previous")]
    [InlineData("id")]
    [InlineData("time")]
    [InlineData("sequence")]
    [InlineData("detail")]
    [InlineData("subject")]
    public async Task Export_MemberOfAnotherKind_IsRefused(string member)
    {
        var lines = await ExportAsync();
        foreach (var value in new JsonNode?[] { null, new JsonArray(1, 2), 1.5, "\ud800", new string('x', 5000) })
        {
            var record = JsonNode.Parse(lines[8])!.AsObject();
            record[member] = value;
            Assert.StartsWith("changed:", Verify([.. lines[..8], record.ToJsonString(), .. lines[9..]], out _), StringComparison.Ordinal);
        }

        Assert.StartsWith("changed: a line has more than", Verify([.. lines[..8], new string(' ', ExportVerification.MostLine + 1)], out _), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Export_RecordForgedWithItsHash_IsMissedByTheNextAndByTheSignature()
    {
        var whole = await ExportAsync();
        Forge(whole, 8);
        Assert.Equal("changed: record 8 is not the one that record 9 follows", Verify(whole, out _));

        var session = await ExportAsync("s2");
        Forge(session, 2);
        Assert.Equal("changed: one record or more is not the one that was signed", Verify(session, out _));
    }

    private static void Forge(List<string> lines, int line)
    {
        var record = JsonNode.Parse(lines[line])!.AsObject();
        record["subject"] = "innocent.example.com A";
        var parsed = ExportedRecord.Parse(Encoding.UTF8.GetBytes(record.ToJsonString()));
        record["hash"] = Convert.ToHexStringLower(new CanonicalForm().Hash(parsed.Previous, parsed.Row.Sequence, parsed.Row));
        lines[line] = record.ToJsonString();
    }

    [Fact]
    public async Task Export_EndRemovedChangedOrFollowed_IsRefused()
    {
        var lines = await ExportAsync();
        Assert.StartsWith("truncated: the end is missing", Verify(lines[..^1], out _), StringComparison.Ordinal);
        Assert.StartsWith("added:", Verify([.. lines, lines[3]], out _), StringComparison.Ordinal);
        Assert.Equal("the file is empty", Verify([], out _));
        var end = JsonNode.Parse(lines[^1])!.AsObject();
        end["records"] = 15;
        Assert.StartsWith("changed: the signature", Verify([.. lines[..^1], end.ToJsonString()], out _), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Export_OfAnotherSink_IsNotTakenForThisOnes()
    {
        await using var other = await RunningSink.StartAsync();
        await other.StoreAsync(Sample.Many(3));
        var lines = (await other.Client.GetStringAsync("/export")).Split('\n', StringSplitOptions.RemoveEmptyEntries);

        Assert.StartsWith("it was exported by another log sink", Verify(lines, out _, Key()), StringComparison.Ordinal);
        // Its key put in place of the real one: then nothing of it fits.
        lines[0] = lines[0].Replace(JsonNode.Parse(lines[0])!["publicKey"]!.ToJsonString(), $"\"{Convert.ToBase64String(Key())}\"", StringComparison.Ordinal);
        Assert.StartsWith("changed: the signature", Verify(lines, out _, Key()), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("UPDATE events SET subject = 'x' WHERE sequence = 5", "changed: its hash does not match (record 5)")]
    [InlineData("DELETE FROM events WHERE sequence IN (6, 7)", "missing: records 6 to 7 (record 6)")]
    [InlineData("UPDATE events SET id = x'00' WHERE sequence = 5", "changed: record 5 can not be read")]
    public async Task Export_OfADamagedRecord_IsNotSigned(string sql, string expected)
    {
        _sink.Edit(sql);

        Assert.Equal("the log sink could not export: " + expected, Verify(await ExportAsync(), out _));
    }

    [Fact]
    public async Task Export_OfNothing_SaysSo()
    {
        Assert.Equal(HttpStatusCode.NotFound, await _sink.GetStatusAsync("/export?session=s9"));
        Assert.Equal(HttpStatusCode.BadRequest, await _sink.GetStatusAsync("/export?gate=dns"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("[1]")]
    [InlineData("{\"export\":2,\"chain\":\"\",\"publicKey\":\"\",\"time\":\"2026-11-24T00:00:00Z\"}")]
    [InlineData("{\"export\":1,\"chain\":\"00\",\"publicKey\":\"!\",\"time\":\"2026-11-24T00:00:00Z\"}")]
    [InlineData("\u0000\u001b[2J")]
    public void Verify_SomethingElse_IsNoExport(string line) => Assert.Contains("export", Verify([line], out _), StringComparison.Ordinal);

    [Fact]
    public async Task Export_OverSeveralPagesAndUnsignedAtItsEnd_IsWhole()
    {
        for (var i = 0; i < 3; i++)
            await _sink.StoreAsync(Sample.Many(1000));

        Assert.Null(Verify(await ExportAsync(), out var verification, Key()));
        Assert.Equal(3016, verification.Records);
    }
}
