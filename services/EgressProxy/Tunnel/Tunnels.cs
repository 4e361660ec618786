using System.Net.Sockets;
using Gatehouse.EgressProxy.Answers;
using Gatehouse.EgressProxy.Decisions;
using Gatehouse.EgressProxy.Destinations;
using Gatehouse.EgressProxy.Doors;
using Gatehouse.EgressProxy.Tls;
using Gatehouse.EgressProxy.Upstream;
using Microsoft.Extensions.Options;

namespace Gatehouse.EgressProxy.Tunnel;

/// <summary>From an allowed attempt to the last byte: dial, look once more where the client's first bytes say where they go, relay, record the end.</summary>
internal sealed class Tunnels(Dialler dialler, Checkpoint checkpoint, IOptions<EgressOptions> options, TimeProvider time)
{
    /// <summary>The first bytes were judged before: they are sent, and the rest follows.</summary>
    public async Task RunAsync(AgentConnection connection, Destination to, Passage passage, ReadOnlyMemory<byte> first, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        var (upstream, failure) = await dialler.DialAsync(connection.Session, to, passage.Decision.Rule!, cancellationToken);
        if (upstream is null)
        {
            End(connection, passage, 0, 0, started, UpstreamFailureText.Word(failure));
            if (TlsRecords.CanBegin(first.Span))
                await RawAnswers.SendAlertAsync(connection.Socket, cancellationToken);
            else
                RawAnswers.Reset(connection.Socket);
            return;
        }

        using (upstream)
            await RelayAsync(connection, passage, upstream, first, started, cancellationToken);
    }

    /// <summary>Dials first; when the client speaks first, what it says is judged before a byte of it is passed on.</summary>
    public async Task RunAfterFirstWordAsync(AgentConnection connection, Attempt attempt, Passage passage, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        var (upstream, failure) = await dialler.DialAsync(connection.Session, attempt.To, passage.Decision.Rule!, cancellationToken);
        if (upstream is null)
        {
            End(connection, passage, 0, 0, started, UpstreamFailureText.Word(failure));
            if (attempt.Via == Way.Connect)
                await RawAnswers.SendAsync(connection.Socket, Problem.Of(failure, attempt.To), cancellationToken);
            else
                RawAnswers.Reset(connection.Socket);
            return;
        }

        using (upstream)
        {
            if (attempt.Via == Way.Connect)
                await connection.Socket.SendAsync(RawAnswers.Established, SocketFlags.None, cancellationToken);
            using var first = new FirstBytes();
            var outcome = await JudgeAsync(connection, attempt, upstream, first, cancellationToken);
            if (outcome is null)
                await RelayAsync(connection, passage, upstream, first.Memory, started, cancellationToken);
            else
                End(connection, passage, 0, 0, started, outcome);
        }
    }

    /// <returns>Null to go on; otherwise why not, and the client was answered.</returns>
    private async Task<string?> JudgeAsync(AgentConnection connection, Attempt attempt, Socket upstream, FirstBytes first, CancellationToken cancellationToken)
    {
        // On 443 the client speaks first, or it is not TLS.
        var mustBeTls = attempt.To.Port == EgressDecider.TlsPort;
        using var deadline = new Deadline(mustBeTls ? options.Value.HeadTimeout : options.Value.IdleTimeout, time, cancellationToken);
        try
        {
            if (!mustBeTls && !await FirstSpeaker.IsClientAsync(connection.Socket, upstream, deadline.Token))
                return null;
            using var head = new Deadline(options.Value.HeadTimeout, time, cancellationToken);
            var (opening, hello) = await first.ReadClientHelloAsync(connection.Socket, head.Token);
            if (first.Memory.IsEmpty)
                return "closed";
            var seen = attempt with { Opening = opening, Hello = hello };
            var decision = EgressDecider.Decide(connection.Session.Policy.Egress, seen);
            if (decision.IsAllowed)
                return null;
            checkpoint.Record(connection.Session, Checkpoint.Connect, seen.To.ToString(), seen, decision, connection.Dialled);
            if (TlsRecords.CanBegin(first.Memory.Span))
                await RawAnswers.SendAlertAsync(connection.Socket, cancellationToken);
            else
                RawAnswers.Reset(connection.Socket);
            return DenialText.Word(decision.Denial);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            checkpoint.Deny(connection.Session, attempt, Denial.TooSlow, connection.Dialled);
            RawAnswers.Reset(connection.Socket);
            return DenialText.Word(Denial.TooSlow);
        }
        catch (SocketException)
        {
            return "client-failed";
        }
    }

    private async Task RelayAsync(
        AgentConnection connection, Passage passage, Socket upstream, ReadOnlyMemory<byte> first, long started, CancellationToken cancellationToken)
    {
        var end = new TunnelEnd(0, 0, TunnelOutcome.UpstreamFailed);
        try
        {
            for (var rest = first; !rest.IsEmpty;)
                rest = rest[await upstream.SendAsync(rest, SocketFlags.None, cancellationToken)..];
            end = await TunnelRelay.RunAsync(connection.Socket, upstream, options.Value.IdleTimeout, time, cancellationToken);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            // Broke off at the first bytes.
        }
        finally
        {
            connection.Socket.Dispose();
            End(connection, passage, end.Sent + first.Length, end.Received, started, OutcomeWord(end.Outcome));
        }
    }

    private void End(AgentConnection connection, Passage passage, long sent, long received, long started, string outcome) =>
        checkpoint.End(connection.Session, passage, sent, received, time.GetElapsedTime(started), outcome);

    private static string OutcomeWord(TunnelOutcome outcome) => outcome switch
    {
        TunnelOutcome.Completed => "completed",
        TunnelOutcome.ClientFailed => "client-failed",
        TunnelOutcome.UpstreamFailed => "upstream-failed",
        TunnelOutcome.Idle => "idle",
        _ => "session-ended",
    };
}
