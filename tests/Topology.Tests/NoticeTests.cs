using System.Text.Json;
using Gatehouse.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Gatehouse.Topology.Tests;

/// <summary>From what an upstream answers to what a person is told.</summary>
public sealed class NoticeTests : IAsyncLifetime
{
    private EnclosureSite _site = null!;
    private string _told = "";

    public async Task InitializeAsync()
    {
        _site = await EnclosureSite.CreateAsync(unprivileged: false);
        _told = Path.Combine(_site.Installation.Home, "told");
        foreach (var (name, value) in new[] { ("Command__0", "/bin/sh"), ("Command__1", "-c"), ("Command__2", "cat >> \"$0\"; echo >> \"$0\""), ("Command__3", _told), ("On__0", "secret.reflected") })
            _site.Installation.Environment[$"LogSink__Notify__me__{name}"] = value;
    }

    public async Task DisposeAsync() => await _site.DisposeAsync();

    /// <summary>A redirect to the same origin is one that the agent may follow: not with the key in it, and somebody hears of it.</summary>
    [Fact]
    public async Task Credential_ThatAnUpstreamPutsIntoARedirect_IsTakenOutAndTold()
    {
        await using var mirror = await TestOrigin.StartAsync(configure: app => app.MapGet("/v1/back", (HttpContext context) => Results.Redirect($"/v1/there?key={context.Request.Headers["x-api-key"]}")));
        var folder = _site.CreateWorkspace("mirrored", $$"""
              - name: mirror
                upstream: http://{{mirror.EndPoint}}
                from: env:TEST_API_KEY
                inject: { header: x-api-key, value: "{secret}" }
                expose: { MIRROR_URL: "{url}" }
                allow: [{ method: GET, path: /v1/** }]
            """);
        var result = await _site.Installation.ScriptAsync(folder, "curl -sS -i --max-time 10 $MIRROR_URL/v1/back");
        Assert.Contains(" 302 ", result.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(EnclosureSite.Key, result.Output, StringComparison.Ordinal);
        await Eventually.TrueAsync(() => File.Exists(_told) && File.ReadAllText(_told).EndsWith('\n'));

        using var told = JsonDocument.Parse(await File.ReadAllTextAsync(_told));
        Assert.Equal("secret.reflected", told.RootElement.GetProperty("notification").GetString());
        var reflected = told.RootElement.GetProperty("event");
        Assert.Equal("GET mirror/v1/back", reflected.GetProperty("subject").GetString());
        Assert.Equal("Location", reflected.GetProperty("detail").GetProperty("reflected").GetString());
        Assert.DoesNotContain(EnclosureSite.Key, told.RootElement.GetRawText(), StringComparison.Ordinal);
    }
}
