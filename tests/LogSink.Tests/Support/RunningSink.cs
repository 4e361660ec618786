using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Gatehouse.Policy.Events;
using Microsoft.AspNetCore.Builder;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;

namespace Gatehouse.LogSink.Tests.Support;

/// <summary>The real application on a port of its own, with a folder of its own.</summary>
internal sealed class RunningSink : IAsyncDisposable
{
    public const string Token = "0123456789abcdef";

    private readonly TimeProvider? _time;
    private WebApplication? _app;

    private RunningSink(string folder, TimeProvider? time, string[] more)
    {
        More = more;
        Folder = folder;
        _time = time;
    }

    /// <summary>Further configuration, for the next start.</summary>
    public string[] More { get; set; }

    public string Folder { get; }

    public string Database => Path.Combine(Folder, "log", "events.db");

    public string HeadFile => Database + ".head";

    public string AddressFile => Path.Combine(Folder, "log-sink.json");

    public Uri Url => new(_app!.Urls.First());

    public HttpClient Client { get; private set; } = null!;

    public IServiceProvider Services => _app!.Services;

    public static async Task<RunningSink> StartAsync(TimeProvider? time = null, params string[] more)
    {
        var sink = new RunningSink(Directory.CreateTempSubdirectory("log-sink-").FullName, time, more);
        await sink.StartAgainAsync();
        return sink;
    }

    public static string[] Arguments(string folder, string token = Token, string url = "http://127.0.0.1:0") =>
    [
        $"--urls={url}", $"--Gatehouse:Token={token}", $"--LogSink:Database={Path.Combine(folder, "log", "events.db")}",
        $"--LogSink:AddressFile={Path.Combine(folder, "log-sink.json")}", "--Logging:LogLevel:Default=None", "--Logging:LogLevel:Microsoft.AspNetCore=None",
    ];

    public async Task StartAgainAsync()
    {
        _app = LogSinkApplication.Build([.. Arguments(Folder), .. More], _time);
        await _app.StartAsync();
        Client = NewClient();
    }

    /// <summary>A part of the application.</summary>
    public T Get<T>()
        where T : notnull => _app!.Services.GetRequiredService<T>();

    public HttpClient NewClient(string token = Token)
    {
        var client = new HttpClient { BaseAddress = Url };
        client.DefaultRequestHeaders.Authorization = new("Bearer", token);
        return client;
    }

    public async Task StopAsync()
    {
        if (_app is null)
            return;
        Client.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
        _app = null;
    }

    public Task<HttpResponseMessage> PostAsync(string body) => PostAsync(Client, body);

    public static async Task<HttpResponseMessage> PostAsync(HttpClient client, string body)
    {
        using var content = new StringContent(body, Encoding.UTF8, new MediaTypeHeaderValue("application/x-ndjson"));
        return await client.PostAsync("/events", content);
    }

    /// <summary>Stores, and says how many were new and how many not.</summary>
    public async Task<(int Stored, int Duplicates)> StoreAsync(params IEnumerable<BoundaryEvent> events)
    {
        using var response = await PostAsync(Sample.Lines(events));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        using var answer = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        return (answer.RootElement.GetProperty("stored").GetInt32(), answer.RootElement.GetProperty("duplicates").GetInt32());
    }

    public async Task<List<JsonElement>> GetLinesAsync(string path) =>
        [.. (await Client.GetStringAsync(path)).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement.Clone())];

    public async Task<HttpStatusCode> GetStatusAsync(string path)
    {
        using var response = await Client.GetAsync(path);
        return response.StatusCode;
    }

    /// <summary><c>ok 12</c>, or <c>3 missing: record 3</c>.</summary>
    public async Task<string> VerifyAsync()
    {
        using var document = JsonDocument.Parse(await Client.GetStringAsync("/verify"));
        var result = document.RootElement;
        return result.GetProperty("ok").GetBoolean()
            ? $"ok {result.GetProperty("records").GetInt64()}"
            : $"{result.GetProperty("firstBad").GetInt64()} {result.GetProperty("problem").GetString()}";
    }

    /// <summary><c>GET /health</c>, with what each check says.</summary>
    public async Task<string> HealthAsync()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/health");
        request.Headers.Accept.ParseAdd("application/json");
        using var response = await Client.SendAsync(request);
        return await response.Content.ReadAsStringAsync();
    }

    /// <summary>What an intruder with write access does.</summary>
    public void Edit(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={Database};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Directory.Delete(Folder, recursive: true);
    }
}
