using Gatehouse.EgressProxy.Answers;
using Gatehouse.EgressProxy.Decisions;
using Gatehouse.Gate.Kestrel;

namespace Gatehouse.EgressProxy.Doors;

/// <summary>Gives a connection that speaks HTTP to Kestrel, and waits until it is done with it.</summary>
internal sealed class HttpHandover(SessionConnections connections, Checkpoint checkpoint)
{
    public const string EndPoint = "egress";

    /// <summary>Nothing but a peek may have been read from the connection, apart from a CONNECT head.</summary>
    public async Task RunAsync(AgentConnection connection, CancellationToken cancellationToken)
    {
        if (connections.TryAdd(EndPoint, connection.Socket, connection) is { } ended)
            await ended.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        else
            RawAnswers.Reset(connection.Socket);

        // Requests have their records, and so has CONNECT. One that never came was an attempt all the same: a port scan looks like this.
        if (connection is { HadRequest: false, Via: not Way.Connect })
        {
            var attempt = new Attempt { Via = connection.Via, To = connection.To ?? connection.DialledDestination };
            checkpoint.Deny(connection.Session, attempt, Denial.NoRequest, connection.Dialled);
        }
    }
}
