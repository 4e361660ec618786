using System.Globalization;

namespace Gatehouse.LogSink.Tests.Support;

/// <summary>Reads a stream of server-sent events.</summary>
internal sealed class Follower : IDisposable
{
    private static readonly TimeSpan s_within = TimeSpan.FromSeconds(10);

    private readonly HttpResponseMessage _response;
    private readonly StreamReader _reader;

    private Follower(HttpResponseMessage response, Stream stream)
    {
        _response = response;
        _reader = new(stream);
    }

    public static async Task<Follower> OpenAsync(RunningSink sink, string query, string? lastEventId = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/events/stream" + query);
        if (lastEventId is not null)
            request.Headers.Add("Last-Event-ID", lastEventId);
        var response = await sink.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        response.EnsureSuccessStatusCode();
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        return new(response, await response.Content.ReadAsStreamAsync());
    }

    /// <summary>The ids of the next so many events.</summary>
    public async Task<List<long>> TakeAsync(int count)
    {
        var ids = new List<long>();
        while (ids.Count < count)
        {
            var line = await ReadLineAsync() ?? throw new EndOfStreamException();
            if (!line.StartsWith("id: ", StringComparison.Ordinal))
                continue;
            ids.Add(long.Parse(line.AsSpan(4), NumberStyles.None, CultureInfo.InvariantCulture));
            Assert.StartsWith($"data: {{\"sequence\":{ids[^1]},", await ReadLineAsync(), StringComparison.Ordinal);
            Assert.Equal("", await ReadLineAsync());
        }

        return ids;
    }

    public async Task<string?> ReadLineAsync()
    {
        using var timeout = new CancellationTokenSource(s_within);
        return await _reader.ReadLineAsync(timeout.Token);
    }

    public void Dispose()
    {
        _reader.Dispose();
        _response.Dispose();
    }
}
