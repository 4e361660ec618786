using System.Net.Sockets;
using Gatehouse.Gate.Native;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Gatehouse.Gate.Handover;

/// <summary>Listens on <c>&lt;gate&gt;.sock</c> and serves each launcher that connects, until the host stops.</summary>
internal sealed partial class GateListener(
    GateIdentity gate, RunDirectory run, SessionServer server, ILogger<GateListener> logger, TimeProvider time) : IHostedService, IDisposable
{
    private const int Backlog = 128;

    private static readonly TimeSpan AcceptBackoff = TimeSpan.FromMilliseconds(100);

    private readonly CancellationTokenSource _stopping = new();
    private readonly HashSet<Task> _connections = [];
    private GateLock? _lock;
    private Socket? _socket;
    private Task _loop = Task.CompletedTask;

    public bool IsListening { get; private set; }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        var path = run.GateSocket(gate.Name);
        _lock = GateLock.Take(Path.ChangeExtension(path, ".lock"), $"The {gate.Name} gate in {run.Path}");
        File.Delete(path); // Left by one that died: the lock says that nobody listens on it.
        _socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        _socket.Bind(new UnixDomainSocketEndPoint(path));
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        _socket.Listen(Backlog);
        IsListening = true;
        _loop = AcceptAsync(_socket);
        Log.Listening(logger, path);
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        IsListening = false;
        await _stopping.CancelAsync();
        _socket?.Dispose();
        await _loop;
        Task[] open;
        lock (_connections)
            open = [.. _connections];
        await Task.WhenAll(open).WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_lock is not null)
            File.Delete(run.GateSocket(gate.Name));
        Dispose();
    }

    public void Dispose()
    {
        _socket?.Dispose();
        _lock?.Dispose();
        _lock = null;
    }

    private async Task AcceptAsync(Socket listener)
    {
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                Serve(await listener.AcceptAsync(_stopping.Token));
            }
            catch (OperationCanceledException)
            {
                break;
            }
            catch (SocketException error) when (!_stopping.IsCancellationRequested)
            {
                // Out of descriptors, mostly. The gate goes on with the sessions it has.
                Log.AcceptFailed(logger, error.SocketErrorCode);
                await Task.Delay(AcceptBackoff, time, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (Exception error) when (error is SocketException or ObjectDisposedException)
            {
                break;
            }
        }
    }

    private void Serve(Socket connection)
    {
        // Root could become this user; in a deployment of containers the launcher is root in its own, and this gate is not.
        if (SocketFacts.PeerUser(connection.SafeHandle) is not { } user || (user != Libc.geteuid() && user != 0))
        {
            Log.Stranger(logger);
            connection.Dispose();
            return;
        }
        var task = Task.Run(() => server.ServeAsync(connection, _stopping.Token));
        lock (_connections)
            _connections.Add(task);
        task.ContinueWith(
            done =>
            {
                lock (_connections)
                    _connections.Remove(done);
            }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Taking sessions on {Path}.")]
        public static partial void Listening(ILogger logger, string path);

        [LoggerMessage(2, LogLevel.Warning, "A connection from another user was refused.")]
        public static partial void Stranger(ILogger logger);

        [LoggerMessage(3, LogLevel.Warning, "No session could be taken just now: {Error}.")]
        public static partial void AcceptFailed(ILogger logger, SocketError error);
    }
}
