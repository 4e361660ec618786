using Gatehouse.EgressProxy.Answers;
using Gatehouse.Gate.Kestrel;

namespace Gatehouse.EgressProxy.Doors;

/// <summary>Gives a connection that speaks HTTP to Kestrel, and waits until it is done with it.</summary>
internal sealed class HttpHandover(SessionConnections connections)
{
    public const string EndPoint = "egress";

    /// <summary>Nothing but a peek may have been read from the connection, apart from a CONNECT head.</summary>
    public async Task RunAsync(AgentConnection connection, CancellationToken cancellationToken)
    {
        if (connections.TryAdd(EndPoint, connection.Socket, connection) is { } ended)
            await ended.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        else
            RawAnswers.Reset(connection.Socket);
    }
}
