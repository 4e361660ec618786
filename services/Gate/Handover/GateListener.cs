using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Sockets;
using Gatehouse.Gate.Native;
using Gatehouse.Gate.Policies;
using Gatehouse.Gate.Recording;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Gatehouse.Gate.Handover;

/// <summary>
/// Takes sessions over on <c>&lt;gate&gt;.sock</c>. A lock file beside it tells a gate that lives from the socket of one that died. Only this user
/// may connect (directory mode, and SO_PEERCRED).
/// </summary>
internal sealed partial class GateListener(
    GateName name, IGate gate, EventRecorder recorder, TimeProvider time, ILogger<GateListener> logger) : BackgroundService
{
    /// <summary>More agents at a time than anybody runs on one machine.</summary>
    private const int MaxSessions = 64;

    private static readonly TimeSpan s_handshakeWithin = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_closeWithin = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<SessionId, GateSession> _sessions = new();
    private readonly SemaphoreSlim _slots = new(MaxSessions);
    private Socket? _listener;
    private FileStream? _lock;

    public bool IsListening { get; private set; }

    public override Task StartAsync(CancellationToken cancellationToken)
    {
        var path = RunDirectory.Open().GateSocket(name.Value);
        _lock = new FileStream(path + ".lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite);
        if (LibC.flock((int)_lock.SafeFileHandle.DangerousGetHandle(), 2 | 4) != 0)
            throw new IOException($"another {name.Value} gate already serves {path}: stop it with 'gatehouse down', or set GATEHOUSE_RUN to another folder");
        File.Delete(path);
        _listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        _listener.Bind(new UnixDomainSocketEndPoint(path));
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        _listener.Listen(MaxSessions);
        IsListening = true;
        return base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var serving = new ConcurrentDictionary<Task, byte>();
        try
        {
            while (true)
            {
                var connection = await _listener!.AcceptAsync(stoppingToken);
                var task = ServeAsync(connection, stoppingToken);
                serving.TryAdd(task, 0);
                _ = task.ContinueWith(done => serving.TryRemove(done, out _), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            }
        }
        catch (OperationCanceledException)
        {
            // The gate stops.
        }
        finally
        {
            IsListening = false;
            _listener!.Dispose();
            await Task.WhenAll(serving.Keys);
        }
    }

    public override void Dispose()
    {
        _listener?.Dispose();
        _lock?.Dispose();
        _slots.Dispose();
        base.Dispose();
    }

    private async Task ServeAsync(Socket lease, CancellationToken stopping)
    {
        await Task.Yield();
        using var _ = lease;
        if (!_slots.Wait(0, CancellationToken.None))
            return;
        try
        {
            if (PeerUser(lease) != LibC.getuid())
            {
                Log.Stranger(logger, name.Value);
                return;
            }

            await ServeSessionAsync(lease, stopping);
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The launcher went away during the handshake, or the gate stops: the session's sockets are closed either way.
        }
        catch (Exception e)
        {
            Log.Failed(logger, e);
        }
        finally
        {
            _slots.Release();
        }
    }

    private async Task ServeSessionAsync(Socket lease, CancellationToken stopping)
    {
        using var handshake = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        handshake.CancelAfter(s_handshakeWithin);
        var (header, descriptors) = await Frame.ReceiveAsync(lease, HandoverJson.Default.SessionHeader, handshake.Token);
        if (header is null)
        {
            foreach (var descriptor in descriptors)
                LibC.close(descriptor);
            await AnswerAsync(lease, "the message is not a session header", handshake.Token);
            return;
        }

        var sockets = SocketCheck.Adopt(header.Sockets, descriptors, out var error);
        if (sockets.IsDefault)
        {
            await AnswerAsync(lease, error, handshake.Token);
            return;
        }

        using var ended = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        GateSession? session = null;
        try
        {
            session = Accept(header, sockets, ended.Token, out error);
            if (session is null)
            {
                await AnswerAsync(lease, error, handshake.Token);
                return;
            }

            await ServeUntilEndAsync(lease, session, header, ended, handshake.Token);
        }
        finally
        {
            await ended.CancelAsync();
            foreach (var socket in sockets)
                socket.Dispose();
            if (session is not null)
                _sessions.TryRemove(session.Id, out _);
        }
    }

    private GateSession? Accept(SessionHeader header, System.Collections.Immutable.ImmutableArray<SessionSocket> sockets, CancellationToken ended, out string error)
    {
        error = header.Version != 1 || !Path.IsPathFullyQualified(header.Policy) ? "the launcher is of another version of Gatehouse: restart the services with 'gatehouse down'" : "";
        if (!SessionId.TryParse(header.Session, out var id))
            error = "the header has no session id";
        if (error.Length > 0)
            return null;
        var file = PolicyFile.Read(header.Policy);
        if (file.Policy is null)
            error = string.Join("; ", file.Errors);
        else if (file.Sha256 != header.PolicySha256)
            error = $"{header.Policy} changed while the session started: run it again";
        if (error.Length > 0)
            return null;
        ActivityContext.TryParse(header.TraceParent, null, isRemote: true, out var trace);
        var session = new GateSession(id, file.Policy!, Path.GetDirectoryName(header.Policy)!, trace, sockets, header.Environment, ended);
        if (_sessions.TryAdd(id, session))
            return session;
        error = $"a session {id} is already served";
        return null;
    }

    private async Task ServeUntilEndAsync(Socket lease, GateSession session, SessionHeader header, CancellationTokenSource ended, CancellationToken handshake)
    {
        IAsyncDisposable serving;
        try
        {
            serving = await gate.OpenAsync(session, handshake);
        }
        catch (SessionRefusedException e)
        {
            await AnswerAsync(lease, e.Message, handshake);
            return;
        }

        Log.Opened(logger, name.Value, session.Id);
        var watch = new PolicyWatch(session, header.Policy, header.PolicySha256, recorder, time, logger).RunAsync(ended.Token);
        try
        {
            await lease.SendAsync(Frame.Encode(new SessionReply(true), HandoverJson.Default.SessionReply), SocketFlags.None, handshake);
            var nothing = new byte[1];
            // The launcher has nothing more to say: bytes are as good as the end.
            _ = await lease.ReceiveAsync(nothing, SocketFlags.None, ended.Token);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            // Reset, or the gate stops.
        }

        await ended.CancelAsync();
        await watch;
        var closing = serving.DisposeAsync().AsTask();
        if (await Task.WhenAny(closing, Task.Delay(s_closeWithin, CancellationToken.None)) != closing)
            Log.Slow(logger, name.Value, session.Id);
        Log.Closed(logger, name.Value, session.Id);
    }

    private static async Task AnswerAsync(Socket lease, string error, CancellationToken cancellationToken) =>
        await lease.SendAsync(Frame.Encode(new SessionReply(false, error), HandoverJson.Default.SessionReply), SocketFlags.None, cancellationToken);

    // struct ucred: pid(4), uid(4), gid(4)
    private static unsafe uint PeerUser(Socket socket)
    {
        var credentials = stackalloc uint[3];
        uint length = 12;
        return LibC.getsockopt((int)socket.Handle, LibC.SOL_SOCKET, LibC.SO_PEERCRED, credentials, &length) == 0 ? credentials[1] : uint.MaxValue;
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "{Gate}: session {Session} opened")]
        public static partial void Opened(ILogger logger, string gate, SessionId session);

        [LoggerMessage(2, LogLevel.Information, "{Gate}: session {Session} closed")]
        public static partial void Closed(ILogger logger, string gate, SessionId session);

        [LoggerMessage(3, LogLevel.Warning, "{Gate}: session {Session} took longer than it may to close; its sockets are closed")]
        public static partial void Slow(ILogger logger, string gate, SessionId session);

        [LoggerMessage(4, LogLevel.Warning, "{Gate}: another user tried to open a session")]
        public static partial void Stranger(ILogger logger, string gate);

        [LoggerMessage(5, LogLevel.Error, "A session ended by an error")]
        public static partial void Failed(ILogger logger, Exception exception);
    }
}

/// <summary><c>dns</c>, <c>egress</c> or <c>secrets</c>.</summary>
internal sealed record GateName(string Value);
