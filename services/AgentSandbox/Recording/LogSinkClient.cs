using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Gatehouse.AgentSandbox.CommandLine;
using Gatehouse.AgentSandbox.Launch;
using Gatehouse.Gate;
using Gatehouse.Policy.Events;

namespace Gatehouse.AgentSandbox.Recording;

/// <summary>The command's view of the log sink, found through <c>log-sink.json</c> in the run directory.</summary>
internal sealed class LogSinkClient : IDisposable
{
    /// <summary>How Kestrel writes the address of a unix socket.</summary>
    private const string UnixPrefix = "http://unix:";

    /// <summary>Until an answer begins. The slowest, a verification of the whole record, begins at its end.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(100);

    /// <summary>Of a stream; the sink sends a sign of life every 15 s.</summary>
    private static readonly TimeSpan s_silence = TimeSpan.FromSeconds(50);

    private readonly HttpClient _http;

    private LogSinkClient(HttpClient http, Uri? url) => (_http, Url) = (http, url);

    /// <summary>Where a browser would find it; null for one that is on a unix socket.</summary>
    public Uri? Url { get; }

    /// <summary>Null when no sink is up.</summary>
    public static LogSinkClient? TryOpen(RunDirectory run)
    {
        try
        {
            using var file = File.OpenRead(Path.Combine(run.Path, "log-sink.json"));
            if (JsonSerializer.Deserialize(file, SinkJson.Default.SinkAddress) is not { } address
                || !Uri.TryCreate(address.Url, UriKind.Absolute, out var url))
            {
                return null;
            }

            // The caller's HTTP_PROXY has no business with what stays on this machine.
            var handler = new SocketsHttpHandler { UseProxy = false, ConnectTimeout = TimeSpan.FromSeconds(2) };
            var page = url;
            if (address.Url.StartsWith(UnixPrefix, StringComparison.OrdinalIgnoreCase))
            {
                page = null;
                var path = address.Url[UnixPrefix.Length..];
                handler.ConnectCallback = async (_, cancellationToken) => await ConnectAsync(path, cancellationToken);
                url = new("http://log-sink");
            }

            var http = new HttpClient(handler) { BaseAddress = url, Timeout = Timeout.InfiniteTimeSpan };
            http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", address.Token);
            return new(http, page);
        }
        catch (Exception e) when (e is IOException or JsonException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <exception cref="LaunchException">No sink is up.</exception>
    public static LogSinkClient Open(RunDirectory run) => TryOpen(run)
        ?? throw new LaunchException(ExitCodes.Unavailable, "the log sink is not running: start the services with 'gatehouse up'");

    /// <summary>True when the sink has stored it durably.</summary>
    public async Task<bool> TryPostAsync(IEnumerable<BoundaryEvent> events, TimeSpan within)
    {
        var lines = new StringBuilder();
        foreach (var each in events)
            lines.Append(JsonSerializer.Serialize(each, EventJson.Default.BoundaryEvent)).Append('\n');
        using var timeout = new CancellationTokenSource(within);
        try
        {
            using var content = new StringContent(lines.ToString(), Encoding.UTF8, "application/x-ndjson");
            using var response = await _http.PostAsync("/events", content, timeout.Token);
            return response.IsSuccessStatusCode;
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            return false;
        }
    }

    public async Task<bool> IsHealthyAsync()
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        try
        {
            using var response = await _http.GetAsync("/health", timeout.Token);
            return response.IsSuccessStatusCode;
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>Sends a small JSON body, or none.</summary>
    /// <returns>The status, and the answer's text, at most 64 KiB of it.</returns>
    /// <exception cref="LaunchException">The sink is gone.</exception>
    public async Task<(HttpStatusCode Status, string Body)> SendAsync(string path, string? json, CancellationToken cancellationToken)
    {
        using var content = json is null ? null : new StringContent(json, Encoding.UTF8, "application/json");
        using var response = await AskAsync(token => _http.PostAsync(path, content, token), cancellationToken);
        return (response.StatusCode, await BodyAsync(response, cancellationToken));
    }

    /// <summary>The lines of an answer, as they come.</summary>
    /// <exception cref="LaunchException">The sink refuses, or is gone, also in the middle of it.</exception>
    public IAsyncEnumerable<string> ReadLinesAsync(string path, CancellationToken cancellationToken) =>
        ReadLinesAsync(path, Timeout.InfiniteTimeSpan, cancellationToken);

    /// <summary>The data of a stream of server-sent events (WHATWG HTML §9.2), until it is cancelled: the sink ends none while it runs.</summary>
    /// <param name="path">What is followed.</param>
    /// <param name="ignored">Events of this name are left out.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="LaunchException">The sink refuses, has stopped, or is silent.</exception>
    public async IAsyncEnumerable<string> FollowAsync(string path, string? ignored, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var isIgnored = false;
        await foreach (var line in ReadLinesAsync(path, s_silence, cancellationToken))
        {
            if (line.Length == 0)
                isIgnored = false;
            else if (line.StartsWith("event:", StringComparison.Ordinal))
                isIgnored = line[6..].Trim() == ignored;
            else if (line.StartsWith("data:", StringComparison.Ordinal) && !isIgnored)
                yield return line[5..].Trim();
        }

        throw new LaunchException(ExitCodes.Unavailable, "the log sink has stopped, so there is nothing more to follow: see 'gatehouse status'");
    }

    private async IAsyncEnumerable<string> ReadLinesAsync(string path, TimeSpan silence, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var response = await SendAsync(path, cancellationToken);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(cancellationToken), Encoding.UTF8);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        while (await ReadLineAsync(reader, silence, limit, cancellationToken) is { } line)
            yield return line;
    }

    private static async Task<string?> ReadLineAsync(StreamReader reader, TimeSpan silence, CancellationTokenSource limit, CancellationToken cancellationToken)
    {
        limit.CancelAfter(silence);
        try
        {
            return await reader.ReadLineAsync(limit.Token);
        }
        catch (IOException e)
        {
            throw new LaunchException(ExitCodes.Unavailable, "the log sink has ended in the middle of its answer: see 'gatehouse status'", e);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new LaunchException(ExitCodes.Unavailable, $"the log sink has been silent for {silence.TotalSeconds:0} s: see 'gatehouse status'");
        }
    }

    /// <summary>An answer of any length. It ends with the client, which must not be disposed before it.</summary>
    /// <param name="path">What is asked for.</param>
    /// <param name="nothing">What to say when there is no such thing.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="LaunchException">There is no such thing, or the sink refuses or is gone.</exception>
    public async Task<Stream> OpenAsync(string path, string nothing, CancellationToken cancellationToken)
    {
        var response = await SendAsync(path, cancellationToken, nothing);
        return await response.Content.ReadAsStreamAsync(cancellationToken);
    }

    private async Task<HttpResponseMessage> SendAsync(string path, CancellationToken cancellationToken, string? nothing = null)
    {
        var response = await AskAsync(token => _http.GetAsync(path, HttpCompletionOption.ResponseHeadersRead, token), cancellationToken);
        if (response.StatusCode == HttpStatusCode.OK)
            return response;
        using (response)
        {
            if (response.StatusCode == HttpStatusCode.NotFound && nothing is not null)
                throw new LaunchException(ExitCodes.Usage, nothing);
            var detail = Detail(await BodyAsync(response, cancellationToken));
            throw response.StatusCode == HttpStatusCode.BadRequest && detail.Length > 0
                ? new LaunchException(ExitCodes.Usage, Printable.Line(detail))
                : new LaunchException(ExitCodes.Unavailable, Printable.Line($"the log sink answered {(int)response.StatusCode}{(detail.Length > 0 ? $" ({detail})" : "")}: see 'gatehouse status'"));
        }
    }

    /// <summary>The <c>detail</c> of a refusal (RFC 9457); empty when there is none.</summary>
    public static string Detail(string body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            return document.RootElement.ValueKind == JsonValueKind.Object ? document.RootElement.Text("detail") : "";
        }
        catch (JsonException)
        {
            return "";
        }
    }

    /// <summary>Bounded; and what ends it is told from Ctrl-C.</summary>
    private static async Task<HttpResponseMessage> AskAsync(Func<CancellationToken, Task<HttpResponseMessage>> ask, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(s_patience);
        try
        {
            return await ask(limit.Token);
        }
        catch (HttpRequestException e)
        {
            throw new LaunchException(ExitCodes.Unavailable, $"the log sink does not answer ({e.Message}): see 'gatehouse status'", e);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new LaunchException(ExitCodes.Unavailable, $"the log sink has not answered within {s_patience.TotalSeconds:0} s: see 'gatehouse status'");
        }
    }

    /// <summary>At most 64 KiB of it.</summary>
    private static async Task<string> BodyAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(cancellationToken), Encoding.UTF8);
        var body = new char[65_536];
        try
        {
            return new(body, 0, await reader.ReadBlockAsync(body, cancellationToken));
        }
        catch (IOException)
        {
            return "";
        }
    }

    private static async ValueTask<Stream> ConnectAsync(string path, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public void Dispose() => _http.Dispose();
}

/// <summary>What the sink writes into the run directory.</summary>
internal sealed record SinkAddress(string Url, string Token, string? Otlp = null);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(SinkAddress))]
internal sealed partial class SinkJson : JsonSerializerContext;
