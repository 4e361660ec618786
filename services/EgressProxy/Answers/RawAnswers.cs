using System.Net.Sockets;
using System.Text;
using Gatehouse.EgressProxy.Tls;
using Microsoft.AspNetCore.WebUtilities;

namespace Gatehouse.EgressProxy.Answers;

/// <summary>Answers on a connection that never reaches Kestrel, each in the words of the protocol that the client speaks.</summary>
internal static class RawAnswers
{
    /// <summary>How long a refused client may take to read its answer, and how much it may still send.</summary>
    private static readonly TimeSpan LingerTime = TimeSpan.FromSeconds(1);

    private const int LingerBytes = 256 * 1024;

    public static ReadOnlyMemory<byte> Established { get; } = "HTTP/1.1 200 Connection established\r\n\r\n"u8.ToArray();

    /// <summary>A policy refused: the client's error then says so, and not that something broke.</summary>
    public static ReadOnlyMemory<byte> AccessDenied { get; } = TlsRecords.FatalAlert(49);

    /// <summary>Allowed, and not reached.</summary>
    public static ReadOnlyMemory<byte> InternalError { get; } = TlsRecords.FatalAlert(80);

    /// <summary>A whole HTTP response; then the connection is closed.</summary>
    public static Task SendAsync(Socket socket, Problem problem, CancellationToken cancellationToken)
    {
        var body = problem.ToUtf8();
        var head = $"HTTP/1.1 {problem.Status} {ReasonPhrases.GetReasonPhrase(problem.Status)}\r\nContent-Type: {Problem.MediaType}\r\n"
            + $"Content-Length: {body.Length}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n";
        return SendAndCloseAsync(socket, (byte[])[.. Encoding.ASCII.GetBytes(head), .. body], cancellationToken);
    }

    /// <summary>A fatal TLS alert; then the connection is closed.</summary>
    public static Task SendAlertAsync(Socket socket, ReadOnlyMemory<byte> alert, CancellationToken cancellationToken) =>
        SendAndCloseAsync(socket, alert, cancellationToken);

    /// <summary>RST: for protocols in which there is nothing to say.</summary>
    public static void Reset(Socket socket) => socket.Close(0);

    /// <summary>
    /// Closing with unread bytes in the buffer sends RST, which may overtake the answer: the rest is read first, within bounds.
    /// </summary>
    private static async Task SendAndCloseAsync(Socket socket, ReadOnlyMemory<byte> answer, CancellationToken cancellationToken)
    {
        using (socket)
        using (var linger = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken))
        {
            linger.CancelAfter(LingerTime);
            try
            {
                await socket.SendAsync(answer, SocketFlags.None, linger.Token);
                socket.Shutdown(SocketShutdown.Send);
                var scratch = new byte[4096];
                for (var drained = 0; drained < LingerBytes;)
                {
                    var count = await socket.ReceiveAsync(scratch.AsMemory(), SocketFlags.None, linger.Token);
                    if (count == 0)
                        return;
                    drained += count;
                }
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
            {
                // It has had its chance.
            }
        }
    }
}
