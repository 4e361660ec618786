using Gatehouse.LogSink.Store;
using Microsoft.AspNetCore.Components;

namespace Gatehouse.LogSink.Console.Layout;

/// <summary>A page that follows the record: read again when something was stored, and not more often than anybody can look.</summary>
public abstract class LivePage : ComponentBase, IDisposable
{
    private static readonly TimeSpan s_least = TimeSpan.FromMilliseconds(400), s_tick = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _left = new();

    // Taken before looking: what comes while the page looks, or waits, is looked at next.
    private Task? _changed;

    [Inject]
    private IServiceProvider Services { get; set; } = null!;

    /// <summary>Ends with the page.</summary>
    protected CancellationToken Left => _left.Token;

    /// <summary>Whether the page shows how long something takes: it is drawn anew each second then, without anything being read.</summary>
    protected virtual bool IsTicking => false;

    /// <summary>Between two times that the page is read.</summary>
    protected virtual TimeSpan Least => s_least;

    /// <summary>Reads what the page shows.</summary>
    protected abstract void Load();

    public override Task SetParametersAsync(ParameterView parameters)
    {
        _changed ??= Services.GetRequiredService<EventStore>().Changed.Next;
        return base.SetParametersAsync(parameters);
    }

    protected override void OnAfterRender(bool firstRender)
    {
        if (!firstRender)
            return;
        _ = FollowAsync();
        _ = TickAsync();
    }

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
        _left.Cancel();
        _left.Dispose();
    }

    private async Task TickAsync()
    {
        var (time, left) = (Services.GetRequiredService<TimeProvider>(), _left.Token);
        try
        {
            while (true)
            {
                await Task.Delay(s_tick, time, left);
                if (IsTicking)
                    await InvokeAsync(StateHasChanged);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
            // The page was left.
        }
    }

    private async Task FollowAsync()
    {
        var store = Services.GetRequiredService<EventStore>();
        var time = Services.GetRequiredService<TimeProvider>();
        var left = _left.Token;
        try
        {
            while (true)
            {
                await _changed!.WaitAsync(left);
                _changed = store.Changed.Next;
                await InvokeAsync(() =>
                {
                    Load();
                    StateHasChanged();
                });
                await Task.Delay(Least, time, left);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
            // The page was left.
        }
        catch (Exception e)
        {
            await DispatchExceptionAsync(e);
        }
    }
}
