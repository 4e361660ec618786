using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Gatehouse.AgentSandbox.Enclosure;

namespace Gatehouse.AgentSandbox.Containers;

/// <summary>
/// Questions to Docker's own socket: a process of its command each time takes as long as a container does to start. One request a connection, HTTP/1.0: the answer ends
/// with it.
/// </summary>
internal static class DockerApi
{
    private const int MaxAnswer = 4 << 20;

    private static readonly TimeSpan s_within = TimeSpan.FromSeconds(10);

    /// <param name="socket">Path of the unix socket.</param>
    /// <param name="path">Of the resource: <c>/info</c>. Characters that a request line takes as they are.</param>
    /// <returns>Null for every answer but 200, and when nobody answers.</returns>
    /// <exception cref="EnclosureException">What answers is no Docker.</exception>
    public static JsonDocument? TryGet(string socket, string path)
    {
        var answer = new MemoryStream();
        try
        {
            using var connection = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { ReceiveTimeout = (int)s_within.TotalMilliseconds };
            connection.Connect(new UnixDomainSocketEndPoint(socket));
            connection.Send(Encoding.ASCII.GetBytes($"GET {path} HTTP/1.0\r\nHost: docker\r\n\r\n"));
            var buffer = new byte[16 * 1024];
            for (int length; (length = connection.Receive(buffer)) > 0 && answer.Length < MaxAnswer;)
                answer.Write(buffer.AsSpan(0, length));
        }
        catch (SocketException)
        {
            return null;
        }

        var bytes = answer.GetBuffer().AsMemory(0, (int)answer.Length);
        var body = bytes.Span.IndexOf("\r\n\r\n"u8);
        if (body < 0 || bytes.Span.IndexOf(" 200 "u8) is not (> 0 and < 16))
            return null;
        try
        {
            return JsonDocument.Parse(bytes[(body + 4)..]);
        }
        catch (JsonException e)
        {
            throw new EnclosureException("docker's answer is no JSON: is something else listening on its socket?", e);
        }
    }

    /// <summary>Whether a name can stand in a path as it is.</summary>
    public static bool IsPlain(string name) => name.Length is > 0 and < 512 && name.All(each => char.IsAsciiLetterOrDigit(each) || each is '.' or '_' or '-' or '/' or ':' or '@');
}
