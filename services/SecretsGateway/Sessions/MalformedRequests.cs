using System.Diagnostics;
using Gatehouse.Gate.Recording;
using Gatehouse.Policy;
using Gatehouse.SecretsGateway.Forwarding;
using Microsoft.AspNetCore.Http.Features;

namespace Gatehouse.SecretsGateway.Sessions;

/// <summary>
/// Kestrel answers what is not HTTP by itself, and no middleware sees it; it tells diagnostic listeners. An attempt is an attempt: it is
/// recorded.
/// </summary>
internal sealed class MalformedRequests(DiagnosticListener diagnostics, EventRecorder recorder)
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
            || features.Get<Gate.Kestrel.ISessionFeature>() is not { Session: var session })
            return;
        var error = features.Get<IBadRequestExceptionFeature>()?.Error?.Message;
        var verdict = Verdict.Deny("the request is not valid HTTP");
        recorder.TryRecord(session, "request", "malformed", verdict, detail => detail["problem"] = error);
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
