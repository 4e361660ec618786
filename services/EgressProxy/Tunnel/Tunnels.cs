using System.Net.Sockets;
using Gatehouse.EgressProxy.Answers;
using Gatehouse.EgressProxy.Decisions;
using Gatehouse.EgressProxy.Doors;
using Gatehouse.EgressProxy.Tls;
using Gatehouse.EgressProxy.Upstream;
using Microsoft.Extensions.Options;

namespace Gatehouse.EgressProxy.Tunnel;

/// <summary>
/// From an allowed attempt to the last byte: dial, look at the client's first bytes where that was not done before, relay. However it ends, the
/// connection is closed and its end recorded.
/// </summary>
internal sealed class Tunnels(Dialler dialler, Checkpoint checkpoint, IOptions<EgressOptions> options, TimeProvider time)
{
    private const string ClientFailed = "client-failed";

    /// <param name="connection">Closed on return.</param>
    /// <param name="attempt">When its first bytes were not read yet, they are judged before one of them is passed on.</param>
    /// <param name="passage">The open one.</param>
    /// <param name="first">What was read of the client's bytes.</param>
    /// <param name="cancellationToken">The session's end.</param>
    public async Task RunAsync(AgentConnection connection, Attempt attempt, Passage passage, FirstBytes first, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        var end = new Ending(0, 0, ClientFailed);
        try
        {
            var (upstream, failure) = await dialler.DialAsync(connection.Session, attempt.To, passage.Decision.Rule!, cancellationToken);
            using (upstream)
            {
                end = end with { Outcome = UpstreamFailureText.Word(failure) };
                if (upstream is null)
                    await AnswerFailureAsync(connection, attempt, failure, first, cancellationToken);
                else
                    end = await RunAsync(connection, attempt, upstream, first, cancellationToken);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            end = end with { Outcome = ClientFailed };
        }
        catch (OperationCanceledException)
        {
            end = end with { Outcome = "session-ended" };
        }
        finally
        {
            connection.Socket.Dispose();
            checkpoint.End(connection.Session, passage, end.Sent, end.Received, time.GetElapsedTime(started), end.Outcome);
        }
    }

    private async Task<Ending> RunAsync(
        AgentConnection connection, Attempt attempt, Socket upstream, FirstBytes first, CancellationToken cancellationToken)
    {
        if (attempt.Via == Way.Connect)
            await connection.Socket.SendAsync(RawAnswers.Established, SocketFlags.None, cancellationToken);
        if (attempt.Opening == Opening.Unread)
        {
            var denial = await JudgeAsync(connection, attempt, upstream, first, cancellationToken);
            if (denial != Denial.None)
                return new Ending(0, 0, DenialText.Word(denial));
        }

        var end = await TunnelRelay.RunAsync(connection.Socket, upstream, first.Memory, options.Value.IdleTimeout, time, cancellationToken);
        return new Ending(end.Sent, end.Received, Word(end.Outcome));
    }

    /// <returns>None to go on; otherwise the denial, which was recorded and answered.</returns>
    private async Task<Denial> JudgeAsync(
        AgentConnection connection, Attempt attempt, Socket upstream, FirstBytes first, CancellationToken cancellationToken)
    {
        // On 443 the client speaks first, or it is not TLS.
        var isTls = attempt.To.Port == EgressDecider.TlsPort;
        if (!isTls)
        {
            using var idle = new Deadline(options.Value.IdleTimeout, time, cancellationToken);
            try
            {
                if (!await FirstSpeaker.IsClientAsync(connection.Socket, upstream, idle.Token))
                    return Denial.None;
            }
            catch (OperationCanceledException) when (idle.HasPassed)
            {
                return await RefuseAsync(connection, attempt, Denial.TooSlow, first, cancellationToken);
            }
        }

        using var head = new Deadline(options.Value.HeadTimeout, time, cancellationToken);
        try
        {
            var (opening, hello) = await first.ReadClientHelloAsync(connection.Socket, head.Token);
            // A client that says nothing and listens: allowed wherever the protocol is nobody's business.
            if (first.Memory.IsEmpty && !isTls)
                return Denial.None;
            // What a person was asked about when it was opened is not asked about again.
            var seen = attempt with { Opening = opening, Hello = hello, IsApproved = true };
            var decision = EgressDecider.Decide(connection.Session.Policy.Egress, seen);
            return decision.IsAllowed ? Denial.None : await RefuseAsync(connection, seen, decision.Denial, first, cancellationToken);
        }
        catch (OperationCanceledException) when (head.HasPassed)
        {
            return await RefuseAsync(connection, attempt, Denial.TooSlow, first, cancellationToken);
        }
    }

    private async Task<Denial> RefuseAsync(
        AgentConnection connection, Attempt attempt, Denial denial, FirstBytes first, CancellationToken cancellationToken)
    {
        checkpoint.Deny(connection.Session, attempt, denial, connection.Dialled);
        if (TlsRecords.CanBegin(first.Memory.Span))
            await RawAnswers.SendAlertAsync(connection.Socket, RawAnswers.AccessDenied, cancellationToken);
        else
            RawAnswers.Reset(connection.Socket);
        return denial;
    }

    private static async Task AnswerFailureAsync(
        AgentConnection connection, Attempt attempt, UpstreamFailure failure, FirstBytes first, CancellationToken cancellationToken)
    {
        if (attempt.Via == Way.Connect)
            await RawAnswers.SendAsync(connection.Socket, Problem.Of(failure, attempt.To), cancellationToken);
        else if (TlsRecords.CanBegin(first.Memory.Span))
            await RawAnswers.SendAlertAsync(connection.Socket, RawAnswers.InternalError, cancellationToken);
        else
            RawAnswers.Reset(connection.Socket);
    }

    private static string Word(TunnelOutcome outcome) => outcome switch
    {
        TunnelOutcome.Completed => "completed",
        TunnelOutcome.ClientFailed => ClientFailed,
        TunnelOutcome.UpstreamFailed => "upstream-failed",
        TunnelOutcome.Idle => "idle",
        _ => "session-ended",
    };

    private readonly record struct Ending(long Sent, long Received, string Outcome);
}
