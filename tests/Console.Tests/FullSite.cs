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
        await Site.AskAsync("pypi.example");
    }

    public async Task DisposeAsync()
    {
        if (_site is not null)
            await _site.DisposeAsync();
    }
}
