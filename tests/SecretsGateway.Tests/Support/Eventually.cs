namespace Gatehouse.SecretsGateway.Tests.Support;

/// <summary>For what another process does in its own time.</summary>
internal static class Eventually
{
    private static readonly TimeSpan s_within = TimeSpan.FromSeconds(20), s_step = TimeSpan.FromMilliseconds(20);

    public static Task IsTrueAsync(Func<bool> condition, TimeSpan? within = null) => IsTrueAsync(() => Task.FromResult(condition()), within);

    public static async Task IsTrueAsync(Func<Task<bool>> condition, TimeSpan? within = null)
    {
        using var timer = new PeriodicTimer(s_step);
        using var deadline = new CancellationTokenSource(within ?? s_within);
        while (!await condition())
            await timer.WaitForNextTickAsync(deadline.Token);
    }
}
