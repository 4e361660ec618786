using System.Net;
using System.Text.Json;
using Gatehouse.LogSink.Access;
using Gatehouse.LogSink.Store;
using Gatehouse.LogSink.Tests.Support;
using Microsoft.Extensions.Options;

namespace Gatehouse.LogSink.Tests.Access;

public sealed class AccessTests
{
    private static readonly string[] s_paths = ["/events", "/events/stream", "/sessions", "/verify", "/key", "/", "/nothing", "/health/x", "/Events"];

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("Bearer")]
    [InlineData("Bearer ")]
    [InlineData("Bearer wrong")]
    [InlineData("Bearer 0123456789abcde")]
    [InlineData("Bearer 0123456789abcdef0")]
    [InlineData("Bearer 0123456789ABCDEF")]
    [InlineData("Basic 0123456789abcdef")]
    [InlineData("0123456789abcdef")]
    public async Task Request_WithoutTheToken_IsRefusedEverywhere(string? authorization)
    {
        await using var sink = await RunningSink.StartAsync();
        using var client = new HttpClient { BaseAddress = sink.Url };
        foreach (var path in s_paths)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path);
            if (authorization is not null)
                request.Headers.TryAddWithoutValidation("Authorization", authorization);

            using var response = await client.SendAsync(request);

            Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        }
    }

    [Fact]
    public async Task Post_WithoutTheToken_StoresNothing()
    {
        await using var sink = await RunningSink.StartAsync();
        using var client = sink.NewClient("wrong");

        using var response = await RunningSink.PostAsync(client, Sample.Lines(Sample.Event()));

        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.Equal("ok 0", await sink.VerifyAsync());
    }

    [Theory]
    [InlineData("/health")]
    [InlineData("/alive")]
    public async Task Probe_WithoutAToken_IsAnswered(string path)
    {
        await using var sink = await RunningSink.StartAsync();
        using var client = new HttpClient { BaseAddress = sink.Url };

        Assert.Equal("Healthy", await client.GetStringAsync(path));
    }

    [Theory]
    [InlineData("127.0.0.1", HttpStatusCode.OK)]
    [InlineData("127.0.0.1:80", HttpStatusCode.OK)]
    [InlineData("127.8.8.8", HttpStatusCode.OK)]
    [InlineData("[::1]:5000", HttpStatusCode.OK)]
    [InlineData("localhost:5000", HttpStatusCode.OK)]
    [InlineData("LOCALHOST", HttpStatusCode.OK)]
    [InlineData("log-sink", HttpStatusCode.OK)]
    [InlineData("log-sink:8080", HttpStatusCode.OK)]
    [InlineData("evil.example", HttpStatusCode.MisdirectedRequest)]
    [InlineData("localhost.evil.example", HttpStatusCode.MisdirectedRequest)]
    [InlineData("127.0.0.1.evil.example", HttpStatusCode.MisdirectedRequest)]
    [InlineData("evil-localhost", HttpStatusCode.MisdirectedRequest)]
    [InlineData("log-sink.evil.example", HttpStatusCode.MisdirectedRequest)]
    [InlineData("localhost.", HttpStatusCode.MisdirectedRequest)]
    [InlineData("10.0.0.1", HttpStatusCode.MisdirectedRequest)]
    [InlineData("0.0.0.0", HttpStatusCode.MisdirectedRequest)]
    [InlineData("169.254.169.254", HttpStatusCode.MisdirectedRequest)]
    public async Task Host_ThatIsNotOurs_IsRefusedDespiteTheToken(string host, HttpStatusCode expected)
    {
        await using var sink = await RunningSink.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/events") { Headers = { Host = host } };

        using var response = await sink.Client.SendAsync(request);

        Assert.Equal(expected, response.StatusCode);
    }

    [Theory]
    [InlineData("http://evil.example")]
    [InlineData("http://127.0.0.1")]
    [InlineData("null")]
    public async Task Origin_Any_IsRefused(string origin)
    {
        await using var sink = await RunningSink.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/events");
        request.Headers.Add("Origin", origin);

        using var response = await sink.Client.SendAsync(request);

        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
    }

    [Theory]
    [InlineData("")]
    [InlineData("   ")]
    [InlineData("two words")]
    public void Start_WithoutAUsableToken_SaysWhatToSet(string token)
    {
        var folder = Directory.CreateTempSubdirectory("log-sink-").FullName;
        try
        {
            var refused = Assert.Throws<OptionsValidationException>(() => LogSinkApplication.Build(RunningSink.Arguments(folder, token)));
            Assert.Contains("Gatehouse:Token", refused.Message, StringComparison.Ordinal);
            Assert.False(File.Exists(Path.Combine(folder, "log", "events.db")));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Theory]
    [InlineData("http://0.0.0.0:0")]
    [InlineData("http://[::]:0")]
    [InlineData("http://*:0")]
    [InlineData("http://192.0.2.1:8080")]
    public async Task Start_OnAnAddressThatIsNotLoopback_IsRefused(string url)
    {
        var folder = Directory.CreateTempSubdirectory("log-sink-").FullName;
        try
        {
            await using var app = LogSinkApplication.Build(RunningSink.Arguments(folder, url: url));
            var refused = await Assert.ThrowsAsync<ListeningRefusedException>(() => app.StartAsync());
            Assert.Contains("loopback only", refused.Message, StringComparison.Ordinal);
            Assert.False(File.Exists(Path.Combine(folder, "log-sink.json")));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task Start_RemoteAllowed_ListensAndNamesAnAddressToConnectTo()
    {
        var folder = Directory.CreateTempSubdirectory("log-sink-").FullName;
        try
        {
            await using var app = LogSinkApplication.Build([.. RunningSink.Arguments(folder, url: "http://0.0.0.0:0"), "--LogSink:AllowRemote=true"]);
            await app.StartAsync();
            using var found = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(folder, "log-sink.json")));
            Assert.StartsWith("http://127.0.0.1:", found.RootElement.GetProperty("url").GetString(), StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task Start_SecondSinkOnOneDatabase_IsRefused()
    {
        await using var sink = await RunningSink.StartAsync();

        var refused = Assert.Throws<StoreUnusableException>(() => LogSinkApplication.Build(RunningSink.Arguments(sink.Folder)));

        Assert.Contains("in use", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AddressFile_WhileItRuns_TellsItsOwnerAlone()
    {
        await using var sink = await RunningSink.StartAsync();

        using (var found = JsonDocument.Parse(await File.ReadAllTextAsync(sink.AddressFile)))
        {
            Assert.Equal(sink.Url, new Uri(found.RootElement.GetProperty("url").GetString()!));
            Assert.Equal(RunningSink.Token, found.RootElement.GetProperty("token").GetString());
        }

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(sink.AddressFile));
        await sink.StopAsync();
        Assert.False(File.Exists(sink.AddressFile));
    }

    [Fact]
    public async Task AddressFile_LinkInItsPlace_IsReplacedNotFollowed()
    {
        await using var sink = await RunningSink.StartAsync();
        await sink.StopAsync();
        var target = Path.Combine(sink.Folder, "target");
        await File.WriteAllTextAsync(target, "untouched");
        File.CreateSymbolicLink(sink.AddressFile, target);

        await sink.StartAgainAsync();

        Assert.Equal("untouched", await File.ReadAllTextAsync(target));
        Assert.Null(new FileInfo(sink.AddressFile).LinkTarget);
    }

    [Fact]
    public async Task AddressFile_OfASuccessor_IsLeft()
    {
        await using var sink = await RunningSink.StartAsync();
        await File.WriteAllTextAsync(sink.AddressFile, "successor");

        await sink.StopAsync();

        Assert.Equal("successor", await File.ReadAllTextAsync(sink.AddressFile));
    }

    [Fact]
    public async Task Files_AreForTheirOwnerAlone()
    {
        await using var sink = await RunningSink.StartAsync();
        await sink.StoreAsync(Sample.Event());

        foreach (var file in Directory.GetFiles(Path.GetDirectoryName(sink.Database)!))
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
    }
}
