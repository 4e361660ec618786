namespace Gatehouse.Console.Tests;

/// <summary>A sink that the tests of one class share: each has sessions of its own in it.</summary>
public sealed class SharedSite : IAsyncLifetime
{
    private ConsoleSite? _site;

    internal ConsoleSite Site => _site!;

    public async Task InitializeAsync() => _site = await ConsoleSite.StartAsync();

    public async Task DisposeAsync()
    {
        if (_site is not null)
            await _site.DisposeAsync();
    }
}
