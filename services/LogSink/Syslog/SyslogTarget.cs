using System.Buffers;
using System.Globalization;
using System.Net.Security;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Security.Authentication;
using System.Text;
using Gatehouse.LogSink.Forwarding;

namespace Gatehouse.LogSink.Syslog;

/// <summary>
/// Syslog over one TCP connection, each message preceded by its length (RFC 6587 §3.4.1), with TLS as RFC 5425 has it. The protocol has no acknowledgement:
/// a batch counts as received when the receiver's kernel has acknowledged every byte and has not hung up.
/// </summary>
internal sealed partial class SyslogTarget(Uri url, ForwardOptions options, SslClientAuthenticationOptions? tls) : IForwardTarget
{
    // ioctl: bytes of the send queue that the peer has not acknowledged (tcp(7), SIOCOUTQ).
    private const nuint OutQueue = 0x5411;

    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(5);

    private readonly ArrayBufferWriter<byte> _batch = new();
    private Socket? _socket;
    private Stream? _stream;
    private Task _listening = Task.CompletedTask;

    public void Clear() => _batch.ResetWrittenCount();

    public int Add(EventRow row)
    {
        var message = SyslogMessage.Write(row, Environment.MachineName, options.SyslogBytes);
        _batch.Write(Encoding.ASCII.GetBytes(message.Length.ToString(CultureInfo.InvariantCulture) + " "));
        _batch.Write(message);
        return _batch.WrittenCount;
    }

    public async Task<ForwardOutcome> SendAsync(CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(TimeSpan.FromSeconds(options.TimeoutSeconds));
        try
        {
            if (_socket is not null && HasHungUp(_socket, _listening))
                Close();
            if (_stream is null)
            {
                _stream = await ConnectAsync(timeout.Token);
                _listening = ListenAsync(_stream);
            }

            var stream = _stream;
            await stream.WriteAsync(_batch.WrittenMemory, timeout.Token);
            await stream.FlushAsync(timeout.Token);
            while (Unacknowledged(_socket!) > 0)
                await Task.Delay(s_look, timeout.Token);
            if (!HasHungUp(_socket!, _listening))
                return ForwardOutcome.Accepted;
            Close();
            return ForwardOutcome.Retry("the receiver hung up");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            Close();
            return ForwardOutcome.Retry($"not taken in {options.TimeoutSeconds} s");
        }
        catch (Exception e) when (e is IOException or SocketException or AuthenticationException)
        {
            Close();
            return ForwardOutcome.Retry(e.Message);
        }
    }

    private async Task<Stream> ConnectAsync(CancellationToken cancellationToken)
    {
        _socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await _socket.ConnectAsync(url.IdnHost.Trim('[', ']'), url.Port, cancellationToken);
        var plain = new NetworkStream(_socket, ownsSocket: true);
        if (tls is null)
            return plain;
        var secured = new SslStream(plain);
        try
        {
            await secured.AuthenticateAsClientAsync(tls, cancellationToken);
            return secured;
        }
        catch
        {
            await secured.DisposeAsync();
            throw;
        }
    }

    /// <summary>Until the receiver hangs up. A receiver says nothing; TLS has things to say by itself (tickets).</summary>
    private static async Task ListenAsync(Stream stream)
    {
        var buffer = new byte[256];
        try
        {
            while (await stream.ReadAsync(buffer) > 0)
            {
                // Nothing that matters.
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // The same.
        }
    }

    private static bool HasHungUp(Socket socket, Task listening)
    {
        try
        {
            return listening.IsCompleted || socket.Poll(0, SelectMode.SelectRead) && socket.Available == 0;
        }
        catch (SocketException)
        {
            return true;
        }
    }

    private static int Unacknowledged(Socket socket)
    {
        var waiting = 0;
        return Ioctl((int)socket.Handle, OutQueue, ref waiting) == 0 ? waiting : throw new IOException("the connection's send queue can not be seen");
    }

    private void Close()
    {
        _stream?.Dispose();
        _socket?.Dispose();
        (_stream, _socket) = (null, null);
    }

    public void Dispose() => Close();

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    private static partial int Ioctl(int descriptor, nuint request, ref int value);
}
