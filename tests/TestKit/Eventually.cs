using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Gatehouse.TestKit;

/// <summary>Waits for what must come true, never longer than a bound.</summary>
public static class Eventually
{
    /// <summary>Far beyond what anything takes on a busy machine; a test that fails waits this long, one that passes does not.</summary>
    public static readonly TimeSpan Bound = TimeSpan.FromSeconds(60);

    public static Task TrueAsync(Func<bool> condition, TimeSpan? within = null, [CallerArgumentExpression(nameof(condition))] string? what = null) =>
        TrueAsync(() => Task.FromResult(condition()), within, what);

    public static async Task TrueAsync(
        Func<Task<bool>> condition, TimeSpan? within = null, [CallerArgumentExpression(nameof(condition))] string? what = null)
    {
        for (var watch = Stopwatch.StartNew(); !await condition();)
        {
            if (watch.Elapsed > (within ?? Bound))
                throw new TimeoutException($"Not true within {(within ?? Bound).TotalSeconds:0.#} s: {what}");
            await Task.Delay(10);
        }
    }
}
