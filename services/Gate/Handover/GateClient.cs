using System.Net.Sockets;

namespace Gatehouse.Gate.Handover;

/// <summary>The launcher's side: connects to <c>&lt;gate&gt;.sock</c>, hands a session's sockets over, waits for the answer.</summary>
public static class GateClient
{
    private static readonly TimeSpan s_answerWithin = TimeSpan.FromSeconds(10);

    /// <summary>Hands <paramref name="descriptors"/> over; the caller still owns, and must close, its copies.</summary>
    /// <param name="socketPath">The gate's unix socket.</param>
    /// <param name="header">What the descriptors are, in the same order.</param>
    /// <param name="descriptors">File descriptors.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The lease: the gate serves the session until it is closed, by whatever end of this process.</returns>
    /// <exception cref="GateUnavailableException">Nobody listens, the answer is an error, or none came in 10 s.</exception>
    public static async Task<Socket> OpenSessionAsync(
        string socketPath, SessionHeader header, IReadOnlyList<int> descriptors, CancellationToken cancellationToken)
    {
        var gate = Path.GetFileNameWithoutExtension(socketPath);
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(s_answerWithin);
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(socketPath), timeout.Token);
            await Frame.SendAsync(socket, Frame.Encode(header, HandoverJson.Default.SessionHeader), descriptors, timeout.Token);
            var (reply, unexpected) = await Frame.ReceiveAsync(socket, HandoverJson.Default.SessionReply, timeout.Token);
            foreach (var descriptor in unexpected)
                _ = Native.LibC.close(descriptor);
            return reply switch
            {
                { Ready: true } => socket,
                { Error: { } error } => throw new GateUnavailableException($"the {gate} gate refused the session: {error}"),
                _ => throw new GateUnavailableException($"the {gate} gate closed the connection: see 'gatehouse status' and the services' log"),
            };
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new GateUnavailableException($"the {gate} gate can not be reached ({e.Message}): start the services with 'gatehouse up'", e);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            socket.Dispose();
            throw new GateUnavailableException($"the {gate} gate did not answer in {s_answerWithin.TotalSeconds:0} s: see 'gatehouse status'", e);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}

/// <summary>A gate is not there, or refused the session; the message says why and what to do.</summary>
public sealed class GateUnavailableException(string message, Exception? inner = null) : Exception(message, inner);
