using Gatehouse.LogSink.Store;

namespace Gatehouse.LogSink.Chain;

/// <summary>Verifies the chain for whoever asks, one at a time: each reads everything.</summary>
internal sealed class Verifications(EventStore store, TimeProvider time) : IDisposable
{
    private readonly SemaphoreSlim _one = new(1);
    private volatile VerificationState _state = new(null, null);

    public VerificationState State => _state;

    /// <summary><see cref="State"/> is another. Raised on any thread.</summary>
    public event Action? Changed;

    /// <summary>Waits for its turn.</summary>
    public async Task<VerificationResult> RunAsync(CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken);
        var began = time.GetUtcNow();
        var last = _state.Last;
        try
        {
            Set(new(new(began, store.Head.Sequence), last));
            var result = await Task.Run(() => new ChainVerification(store).Run(cancellationToken), cancellationToken);
            last = new(result, began, time.GetUtcNow() - began);
            return result;
        }
        finally
        {
            Set(new(null, last));
            _one.Release();
        }
    }

    public void Dispose() => _one.Dispose();

    private void Set(VerificationState state)
    {
        _state = state;
        Changed?.Invoke();
    }
}

/// <param name="Running">The one that reads now, or null.</param>
/// <param name="Last">The last that came to its end since the sink started, or null.</param>
internal sealed record VerificationState(RunningVerification? Running, FinishedVerification? Last);

/// <param name="Since">When it began.</param>
/// <param name="Records">How many there are to read.</param>
internal sealed record RunningVerification(DateTimeOffset Since, long Records);

/// <param name="Result">What it found.</param>
/// <param name="Began">When.</param>
/// <param name="Took">How long.</param>
internal sealed record FinishedVerification(VerificationResult Result, DateTimeOffset Began, TimeSpan Took);
