using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Gatehouse.AgentSandbox.Enclosure;

namespace Gatehouse.AgentSandbox.Containers;

/// <summary>The host's id of a container's first process, as soon as there is one: from the file that Podman writes, or from Docker's API.</summary>
internal abstract class ProcessIdSource
{
    /// <returns>Null while there is none.</returns>
    public abstract int? TryRead();

    public static ProcessIdSource For(EngineCommand engine, ContainerSettings settings) => engine.Name == "podman"
        ? new PidFile(ContainerArguments.PidFile(settings))
        : new DockerApi(DockerSocket.Find(engine), settings.ContainerName);

    private sealed class PidFile(string path) : ProcessIdSource
    {
        public override int? TryRead()
        {
            try
            {
                return int.TryParse(File.ReadAllText(path), NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : null;
            }
            catch (IOException)
            {
                return null;
            }
        }
    }

    // One request a connection, HTTP/1.0: the answer ends with it. A process of 'docker inspect' each time would take what the container needs to start.
    private sealed class DockerApi(string socket, string name) : ProcessIdSource
    {
        private const int MaxAnswer = 1 << 20;

        public override int? TryRead()
        {
            using var connection = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { ReceiveTimeout = 10_000 };
            connection.Connect(new UnixDomainSocketEndPoint(socket));
            connection.Send(Encoding.ASCII.GetBytes($"GET /containers/{name}/json HTTP/1.0\r\nHost: docker\r\n\r\n"));
            var answer = new MemoryStream();
            var buffer = new byte[16 * 1024];
            for (int length; (length = connection.Receive(buffer)) > 0 && answer.Length < MaxAnswer;)
                answer.Write(buffer.AsSpan(0, length));
            var bytes = answer.GetBuffer().AsMemory(0, (int)answer.Length);
            var body = bytes.Span.IndexOf("\r\n\r\n"u8);
            if (body < 0 || bytes.Span.IndexOf(" 200 "u8) is not (> 0 and < 16))
                return null;
            try
            {
                using var document = JsonDocument.Parse(bytes[(body + 4)..]);
                var state = document.RootElement.GetProperty("State");
                return state.GetProperty("Running").GetBoolean() && state.GetProperty("Pid").GetInt32() is > 0 and var id ? id : null;
            }
            catch (JsonException e)
            {
                throw new EnclosureException("docker's answer about the container is no JSON: is something else listening on its socket?", e);
            }
        }
    }
}
