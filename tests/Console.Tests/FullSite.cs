using System.Text.Json;

namespace Gatehouse.Console.Tests;

/// <summary>A sink that has something for every page to show.</summary>
public sealed class FullSite : IAsyncLifetime
{
    private ConsoleSite? _site;

    internal ConsoleSite Site => _site!;

    public async Task InitializeAsync()
    {
        _site = await ConsoleSite.StartAsync(
            "--LogSink:Forward:collector:Url=http://127.0.0.1:9/v1/logs", "--LogSink:Notify:desktop:Command:0=/usr/bin/notify-send", "--LogSink:Notify:desktop:On:0=secret.denied",
            "--LogSink:Notify:desktop:On:1=denial.burst");
        await Site.FillHistoryAsync();
        await Site.FillAsync();
        await AskAsync(Site);
    }

    public async Task DisposeAsync()
    {
        if (_site is not null)
            await _site.DisposeAsync();
    }

    private static async Task AskAsync(ConsoleSite site)
    {
        using var content = new StringContent(JsonSerializer.Serialize(new
        {
            id = Guid.CreateVersion7().ToString("D"),
            session = ConsoleSite.Session,
            gate = "egress",
            subject = "pypi.example:443",
            host = "pypi.example",
            port = 443,
            rule = "egress.otherwise",
            expires = TimeProvider.System.GetUtcNow().AddMinutes(9),
        }), System.Text.Encoding.UTF8, "application/json");
        using var asked = await site.Client.PostAsync("/asks", content);
        Assert.True(asked.IsSuccessStatusCode);
    }
}
