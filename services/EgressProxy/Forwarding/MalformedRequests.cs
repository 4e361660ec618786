using System.Diagnostics;
using Gatehouse.EgressProxy.Decisions;
using Gatehouse.EgressProxy.Doors;
using Microsoft.AspNetCore.Http.Features;

namespace Gatehouse.EgressProxy.Forwarding;

/// <summary>
/// Kestrel refuses what is not HTTP by itself, and no middleware sees it; it tells diagnostic listeners. An attempt is an attempt: it is
/// recorded.
/// </summary>
internal sealed class MalformedRequests(DiagnosticListener diagnostics, Checkpoint checkpoint)
    : IHostedService, IObserver<KeyValuePair<string, object?>>
{
    private const string BadRequest = "Microsoft.AspNetCore.Server.Kestrel.BadRequest";

    private IDisposable? _subscription;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        // By name alone: a listener to everything would cost every request.
        _subscription = diagnostics.Subscribe(this, name => name == BadRequest);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        _subscription?.Dispose();
        return Task.CompletedTask;
    }

    public void OnNext(KeyValuePair<string, object?> value)
    {
        // A body that breaks off belongs to a request that has its events.
        if (value.Key != BadRequest || value.Value is not IFeatureCollection features || features.Get<SeenRequest>() is not null
            || features.Get<Gate.Kestrel.ISessionFeature>() is not AgentConnection connection)
            return;

        connection.OnRequest();
        var attempt = new Attempt { Via = connection.Via, To = connection.To ?? connection.DialledDestination };
        checkpoint.Deny(connection.Session, attempt, Denial.InvalidRequest, connection.Dialled);
    }

    public void OnError(Exception error)
    {
        // Nothing to end.
    }

    public void OnCompleted()
    {
        // Nothing to end.
    }
}

/// <summary>On requests that the pipeline has seen, and recorded.</summary>
internal sealed class SeenRequest;
