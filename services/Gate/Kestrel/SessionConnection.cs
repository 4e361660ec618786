using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace Gatehouse.Gate.Kestrel;

/// <summary>
/// A connection from an enclosure, in Kestrel's hands. It ends with its session, and says when Kestrel is done with it: the agent's half-close,
/// which is all that <see cref="ConnectionClosed"/> tells, is not the end.
/// </summary>
internal sealed class SessionConnection : ConnectionContext
{
    private readonly ConnectionContext _inner;
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenRegistration _ended;

    public SessionConnection(ConnectionContext inner, ISessionFeature session)
    {
        _inner = inner;
        inner.Features.Set(session);
        inner.LocalEndPoint = session.Dialled;
        _ended = session.Session.Ended.UnsafeRegister(
            static state => ((ConnectionContext)state!).Abort(new ConnectionAbortedException("The session ended.")), inner);
    }

    /// <summary>Completes when nobody uses the socket any more.</summary>
    public Task Done => _done.Task;

    public override string ConnectionId
    {
        get => _inner.ConnectionId;
        set => _inner.ConnectionId = value;
    }

    public override IFeatureCollection Features => _inner.Features;

    public override IDictionary<object, object?> Items
    {
        get => _inner.Items;
        set => _inner.Items = value;
    }

    public override IDuplexPipe Transport
    {
        get => _inner.Transport;
        set => _inner.Transport = value;
    }

    public override CancellationToken ConnectionClosed
    {
        get => _inner.ConnectionClosed;
        set => _inner.ConnectionClosed = value;
    }

    public override EndPoint? LocalEndPoint
    {
        get => _inner.LocalEndPoint;
        set => _inner.LocalEndPoint = value;
    }

    public override EndPoint? RemoteEndPoint
    {
        get => _inner.RemoteEndPoint;
        set => _inner.RemoteEndPoint = value;
    }

    public override void Abort(ConnectionAbortedException abortReason) => _inner.Abort(abortReason);

    public override void Abort() => _inner.Abort();

    public override async ValueTask DisposeAsync()
    {
        try
        {
            await _inner.DisposeAsync();
        }
        finally
        {
            await _ended.DisposeAsync();
            _done.TrySetResult();
            await base.DisposeAsync(); // Does nothing; said for the analyzer.
        }
    }
}
