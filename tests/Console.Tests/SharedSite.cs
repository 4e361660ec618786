namespace Gatehouse.Console.Tests;

/// <summary>A sink that the tests of one class share, one after the other: each has a session of its own in it.</summary>
public sealed class SharedSite : IAsyncLifetime
{
    private ConsoleSite? _site;
    private int _sessions;

    internal ConsoleSite Site => _site!;

    public async Task InitializeAsync() => _site = await ConsoleSite.StartAsync();

    public async Task DisposeAsync()
    {
        if (_site is not null)
            await _site.DisposeAsync();
    }

    /// <summary>With the policy as it was, and a session that is the newest.</summary>
    internal async Task<(ConsoleSite Site, string Session)> FillAsync()
    {
        var session = $"{ConsoleSite.Session}-{++_sessions}";
        Site.Forget();
        await Site.FillAsync(spans: false, session);
        return (Site, session);
    }
}
