using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Gatehouse.LogSink.Tests.Support;

namespace Gatehouse.LogSink.Tests.Ingest;

public sealed class MalformedBatchTests
{
    private static string With(string name, string json)
    {
        var line = JsonNode.Parse(Sample.Line(Sample.Full()))!.AsObject();
        line[name] = JsonNode.Parse(json);
        return line.ToJsonString();
    }

    private static string Without(string name)
    {
        var line = JsonNode.Parse(Sample.Line(Sample.Full()))!.AsObject();
        line.Remove(name);
        return line.ToJsonString();
    }

    public static TheoryData<string, string> Lines()
    {
        var good = Sample.Line(Sample.Full());
        var data = new TheoryData<string, string>
        {
            { "empty line", "" },
            { "carriage return only", "\r" },
            { "not JSON", "hello" },
            { "null", "null" },
            { "array", "[]" },
            { "array of events", $"[{good}]" },
            { "two on a line", good + good },
            { "comment", good + "// x" },
            { "trailing comma", good[..^1] + ",}" },
            { "cut", good[..^1] },
            { "empty object", "{}" },
            { "unknown member", With("surprise", "1") },
            { "member twice", good[..^1] + ",\"subject\":\"other\"}" },
            { "member in another case", Without("subject")[..^1] + ",\"Subject\":\"x\"}" },
            { "lone surrogate", good[..^1].Replace("\"query\"", "\"\\ud800\"", StringComparison.Ordinal) + "}" },
            { "detail of a number", With("detail", """{"a":1}""") },
            { "detail of null", With("detail", """{"a":null}""") },
            { "detail nested", With("detail", """{"a":{"b":"c"}}""") },
            { "detail member twice", good[..^1].Replace("\"detail\":{", "\"detail\":{\"via\":\"x\",", StringComparison.Ordinal) + "}" },
            { "detail with an empty name", With("detail", """{"":"x"}""") },
            { "detail with a long name", With("detail", $$"""{"{{new string('n', 129)}}":"x"}""") },
            { "detail with a long value", With("detail", $$"""{"n":"{{new string('v', 4097)}}"}""") },
            { "detail with 33 members", With("detail", "{" + string.Join(',', Enumerable.Range(0, 33).Select(i => $"\"n{i}\":\"\"")) + "}") },
            { "subject of 2,049", With("subject", $"\"{new string('x', 2049)}\"") },
            { "id not version 7", With("id", $"\"{Guid.NewGuid()}\"") },
            { "id of another variant", With("id", "\"01a2094a-9d97-7c85-0392-2ab23a333180\"") },
            { "id empty", With("id", $"\"{Guid.Empty}\"") },
            { "id of braces", With("id", $"\"{Guid.CreateVersion7():B}\"") },
            { "time without zone word", With("time", "\"yesterday\"") },
            { "bytes negative", With("bytesSent", "-1") },
            { "bytes beyond 2^53", With("bytesReceived", "9007199254740993") },
            { "bytes beyond int64", With("bytesReceived", "99999999999999999999") },
            { "bytes in quotes", With("bytesSent", "\"1\"") },
            { "bytes fractional", With("bytesSent", "1.5") },
            { "duration negative", With("durationMs", "-0.1") },
            { "duration infinite", With("durationMs", "1e999") },
            { "duration by name", With("durationMs", "\"NaN\"") },
            { "gate unknown", With("gate", "\"fence\"") },
            { "gate by number", With("gate", "1") },
            { "gate by number in quotes", With("gate", "\"1\"") },
            { "gates two", With("gate", "\"dns, egress\"") },
            { "verdict unknown", With("verdict", "\"maybe\"") },
            { "action empty", With("action", "\"\"") },
            { "action of 65", With("action", $"\"{new string('a', 65)}\"") },
            { "session empty", With("session", "\"\"") },
            { "session of 41", With("session", $"\"{new string('a', 41)}\"") },
            { "session in capitals", With("session", "\"S1\"") },
            { "session with a slash", With("session", "\"a/b\"") },
            { "session with a line end", With("session", "\"a\\n\"") },
            { "session beginning with a hyphen", With("session", "\"-a\"") },
            { "trace short", With("traceId", "\"0af7\"") },
            { "trace in capitals", With("traceId", "\"0AF7651916CD43DD8448EB211C80319C\"") },
            { "rule of 2,049", With("rule", $"\"{new string('r', 2049)}\"") },
            { "reason of 4,097", With("reason", $"\"{new string('r', 4097)}\"") },
        };
        foreach (var required in (string[])["id", "time", "session", "gate", "action", "subject", "verdict"])
        {
            data.Add($"without {required}", Without(required));
            data.Add($"{required} null", With(required, "null"));
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Lines))]
    public async Task Line_NotAnEvent_RefusesTheWholeBatch(string what, string line)
    {
        await using var sink = await RunningSink.StartAsync();

        using var response = await sink.PostAsync($"{Sample.Line(Sample.Event())}\n{line}\n{Sample.Line(Sample.Event())}\n");

        Assert.True(response.StatusCode == HttpStatusCode.BadRequest, $"{what}: {response.StatusCode}");
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        Assert.Contains("line 2", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal("ok 0", await sink.VerifyAsync());
    }

    [Fact]
    public async Task Batch_InvalidUtf8_IsRefused()
    {
        await using var sink = await RunningSink.StartAsync();
        var bytes = Encoding.UTF8.GetBytes(Sample.Line(Sample.Event(subject: "xxxx")));
        bytes[bytes.AsSpan().IndexOf("xxxx"u8)] = 0xff;
        using var content = new ByteArrayContent(bytes);
        content.Headers.ContentType = new("application/x-ndjson");

        using var response = await sink.Client.PostAsync("/events", content);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
    }

    [Theory]
    [InlineData("subject", 2048)]
    [InlineData("action", 64)]
    [InlineData("session", 40)]
    [InlineData("rule", 2048)]
    [InlineData("reason", 4096)]
    public async Task Member_AtItsBound_IsStored(string name, int length)
    {
        await using var sink = await RunningSink.StartAsync();

        using var response = await sink.PostAsync(With(name, $"\"{new string('a', length)}\""));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact]
    public async Task Line_EveryTruncatedPrefix_StoresNothing()
    {
        await using var sink = await RunningSink.StartAsync();
        var line = Sample.Line(Sample.Full());

        for (var length = 1; length < line.Length; length++)
        {
            using var response = await sink.PostAsync(line[..length]);
            Assert.True(response.StatusCode == HttpStatusCode.BadRequest, $"prefix of {length}");
        }

        Assert.Equal("ok 0", await sink.VerifyAsync());
    }
}
