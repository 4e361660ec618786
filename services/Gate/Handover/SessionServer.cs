using System.Collections.Concurrent;
using System.Net.Sockets;
using Gatehouse.Gate.Native;
using Gatehouse.Gate.Policies;
using Gatehouse.Gate.Recording;
using Microsoft.Extensions.Logging;

namespace Gatehouse.Gate.Handover;

/// <summary>Takes one launcher's session over, serves it until the launcher's connection closes, and brings it down.</summary>
internal sealed partial class SessionServer(IGate gate, PolicyWatch watch, EventRecorder recorder, TimeProvider time, ILogger<SessionServer> logger)
{
    /// <summary>Far more agents than one person watches; bounds memory and descriptors of a gate.</summary>
    public const int MaxSessions = 64;

    /// <summary>How long a gate may take to close a session's connections.</summary>
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<SessionId, GateSession?> _sessions = new();

    /// <summary>Never throws: what goes wrong is answered to the launcher, and logged.</summary>
    public async Task ServeAsync(Socket connection, CancellationToken stopping)
    {
        using var lease = connection;
        using var descriptors = new ReceivedDescriptors();
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        SessionId? reserved = null;
        try
        {
            OpenSession open;
            using (var timeout = new CancellationTokenSource(HandoverProtocol.Timeout, time))
            using (var handshake = CancellationTokenSource.CreateLinkedTokenSource(stopping, timeout.Token))
            {
                try
                {
                    var header = await HandoverProtocol.ReadAsync(lease, descriptors, handshake.Token);
                    var offer = SessionOffer.Check(header, descriptors);
                    Reserve(offer.Id);
                    reserved = offer.Id;
                    open = await OpenAsync(offer, descriptors, ended.Token, handshake.Token);
                }
                catch (Exception error) when (!stopping.IsCancellationRequested)
                {
                    await RefuseAsync(lease, error, timeout.IsCancellationRequested);
                    return;
                }
            }
            await HoldAsync(lease, open, ended);
        }
        catch (OperationCanceledException)
        {
            // The gate stops, before the session was open.
        }
        finally
        {
            await ended.CancelAsync();
            if (reserved is { } id)
                _sessions.TryRemove(id, out _);
        }
    }

    private void Reserve(SessionId id)
    {
        if (_sessions.Count >= MaxSessions)
            throw new SessionRefusedException($"{MaxSessions} sessions are open already. End one of them.");
        if (!_sessions.TryAdd(id, null))
            throw new SessionRefusedException($"A session {id} is open already. Give this one another id.");
    }

    private async Task<OpenSession> OpenAsync(
        SessionOffer offer, ReceivedDescriptors descriptors, CancellationToken ended, CancellationToken handshake)
    {
        var fingerprint = FileFingerprint.Of(offer.PolicyPath);
        var file = PolicyFile.Read(offer.PolicyPath);
        if (file.Sha256.Length != 0 && file.Sha256 != offer.PolicySha256)
            throw new SessionRefusedException(
                $"{offer.PolicyPath} is not the file that the launcher read: it changed, or another one is mounted there. Start again.");
        var policy = file.Policy ?? throw new SessionRefusedException(string.Join('\n', file.Errors));

        var sockets = offer.TakeSockets(descriptors);
        var session = new GateSession(offer.Id, policy, Path.GetDirectoryName(offer.PolicyPath)!, offer.Trace, sockets, offer.Environment, ended);
        try
        {
            var served = await OpenGateAsync(session, handshake);
            var watching = watch.RunAsync(session, offer.PolicyPath, file.Sha256, fingerprint);
            return new(session, served, watching);
        }
        catch
        {
            Close(session);
            throw;
        }
    }

    private async Task<IAsyncDisposable> OpenGateAsync(GateSession session, CancellationToken handshake)
    {
        var opening = gate.OpenAsync(session, handshake).AsTask();
        try
        {
            return await opening.WaitAsync(handshake);
        }
        catch (OperationCanceledException) when (!opening.IsCompleted)
        {
            // Too late, and it does not heed its token: what it opens in the end has nobody to close it but us.
            _ = opening.ContinueWith(
                async late => await late.Result.DisposeAsync(), CancellationToken.None, TaskContinuationOptions.OnlyOnRanToCompletion,
                TaskScheduler.Default);
            throw;
        }
    }

    private async Task HoldAsync(Socket lease, OpenSession open, CancellationTokenSource ended)
    {
        var session = open.Session;
        try
        {
            if (await HandoverProtocol.ReplyAsync(lease, new(Ready: true), ended.Token))
            {
                Log.Opened(logger, session.Id, session.Sockets.Length);
                // The lease carries nothing: its end, or anything else on it, ends the session.
                await lease.ReceiveAsync(new byte[1], SocketFlags.None, ended.Token);
            }
        }
        catch (Exception error) when (error is SocketException or OperationCanceledException)
        {
            // A reset ends the lease like a close does.
        }
        await ended.CancelAsync().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        StopListening(session);
        try
        {
            await open.Served.DisposeAsync().AsTask().WaitAsync(CloseTimeout, time);
        }
        catch (Exception error)
        {
            Log.CloseFailed(logger, session.Id, error);
        }
        Close(session);
        await open.Watching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        recorder.Seal(session);
        Log.Closed(logger, session.Id);
    }

    private async Task RefuseAsync(Socket lease, Exception error, bool late)
    {
        var message = error switch
        {
            SessionRefusedException => error.Message,
            _ when late => $"The session was not ready within {HandoverProtocol.Timeout.TotalSeconds:0} s.",
            _ => "The gate failed. Look at its log.",
        };
        if (error is SessionRefusedException || late)
            Log.Refused(logger, message);
        else
            Log.Failed(logger, error);
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(1), time);
        try
        {
            await HandoverProtocol.ReplyAsync(lease, new(Ready: false, message), timeout.Token);
        }
        catch (OperationCanceledException)
        {
            // A launcher that does not read its answer gets none.
        }
    }

    /// <summary>Shutting down works on the socket itself: it no longer listens, whoever else still holds a descriptor of it.</summary>
    private static void StopListening(GateSession session)
    {
        foreach (var each in session.Sockets)
        {
            if (each.Description.Purpose is SocketPurpose.DnsUdp or SocketPurpose.Tap)
                continue;
            try
            {
                each.Socket.Shutdown(SocketShutdown.Both);
            }
            catch (Exception error) when (error is SocketException or ObjectDisposedException)
            {
                // Closed by the gate already.
            }
        }
    }

    private static void Close(GateSession session)
    {
        foreach (var each in session.Sockets)
            each.Dispose();
    }

    /// <param name="Session">What the gate serves.</param>
    /// <param name="Served">Disposed when the lease ends.</param>
    /// <param name="Watching">Ends with the session.</param>
    private sealed record OpenSession(GateSession Session, IAsyncDisposable Served, Task Watching);

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Session {Session} is open, with {Sockets} sockets.")]
        public static partial void Opened(ILogger logger, SessionId session, int sockets);

        [LoggerMessage(2, LogLevel.Information, "Session {Session} is closed.")]
        public static partial void Closed(ILogger logger, SessionId session);

        [LoggerMessage(3, LogLevel.Warning, "A session was refused: {Reason}")]
        public static partial void Refused(ILogger logger, string reason);

        [LoggerMessage(4, LogLevel.Error, "A session could not be opened.")]
        public static partial void Failed(ILogger logger, Exception error);

        [LoggerMessage(5, LogLevel.Error, "Session {Session} did not close cleanly; its sockets are closed all the same.")]
        public static partial void CloseFailed(ILogger logger, SessionId session, Exception error);
    }
}
