using System.Diagnostics;

namespace Gatehouse.SecretsGateway.Sessions;

/// <summary>
/// Whatever trace an agent claims to be part of is not believed: it could put spans into traces that are none of its business.
/// </summary>
internal sealed class NoRemoteTrace : DistributedContextPropagator
{
    public override IReadOnlyCollection<string> Fields => [];

    public override void Inject(Activity? activity, object? carrier, PropagatorSetterCallback? setter)
    {
        // Upstreams are not told either.
    }

    public override void ExtractTraceIdAndState(
        object? carrier, PropagatorGetterCallback? getter, out string? traceId, out string? traceState) =>
        (traceId, traceState) = (null, null);

    public override IEnumerable<KeyValuePair<string, string?>>? ExtractBaggage(object? carrier, PropagatorGetterCallback? getter) => null;
}
