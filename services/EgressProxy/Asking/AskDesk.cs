using System.Runtime.CompilerServices;
using Gatehouse.EgressProxy.Decisions;
using Gatehouse.EgressProxy.Destinations;
using Gatehouse.Gate;
using Gatehouse.Policy.Egress;
using Microsoft.Extensions.Options;

namespace Gatehouse.EgressProxy.Asking;

/// <summary>Holds connections until a person has answered. What was answered is known to the session that it was answered for, and dies with it.</summary>
internal sealed class AskDesk(AskClient client, IOptions<EgressOptions> options, TimeProvider time)
{
    private readonly ConditionalWeakTable<GateSession, SessionAsks> _sessions = [];

    /// <param name="session">Whose connection is held.</param>
    /// <param name="to">What is asked about.</param>
    /// <param name="rule">That says to ask.</param>
    /// <param name="isGone">Completes when the agent hangs up.</param>
    /// <param name="cancellationToken">The session's end.</param>
    /// <returns><see cref="Denial.None"/> to go on.</returns>
    public async Task<Denial> AskAsync(
        GateSession session, Destination to, EgressRule rule, Func<CancellationToken, Task> isGone, CancellationToken cancellationToken)
    {
        var asks = _sessions.GetValue(session, _ => new SessionAsks(options.Value.HeldConnections, options.Value.AskAgainAfter, () => session.Policy, time));
        var (known, ask) = asks.Join(to, cancelled => client.AskAsync(session, to, rule.Name, session.Policy.Egress.AskTimeout, cancelled));
        if (ask is null)
            return known;
        using var left = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            // Both end with this method: nothing goes on to read from the connection, or to hold it.
            var gone = isGone(left.Token);
            var answered = ask.Answer.WaitAsync(left.Token);
            if (await Task.WhenAny(answered, gone) == gone && !answered.IsCompleted)
            {
                cancellationToken.ThrowIfCancellationRequested();
                return Denial.Unapproved;
            }

            return await answered;
        }
        finally
        {
            await left.CancelAsync();
            asks.Leave(ask);
        }
    }
}
