namespace Gatehouse.EgressProxy.Doors;

/// <summary>A token that is cancelled when the session ends or the time is up, and can tell which.</summary>
internal sealed class Deadline : IDisposable
{
    private readonly CancellationTokenSource _expiry;
    private readonly CancellationTokenSource _either;

    public Deadline(TimeSpan after, TimeProvider time, CancellationToken cancellationToken)
    {
        _expiry = new CancellationTokenSource(after, time);
        _either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _expiry.Token);
    }

    public CancellationToken Token => _either.Token;

    public bool HasPassed => _expiry.IsCancellationRequested;

    public void Dispose()
    {
        _either.Dispose();
        _expiry.Dispose();
    }
}
