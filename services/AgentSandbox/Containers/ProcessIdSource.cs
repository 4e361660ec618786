using System.Globalization;

namespace Gatehouse.AgentSandbox.Containers;

/// <summary>The host's id of a container's first process, as soon as there is one: from the file that Podman writes, or from Docker's API.</summary>
internal abstract class ProcessIdSource
{
    /// <returns>Null while there is none.</returns>
    public abstract int? TryRead();

    public static ProcessIdSource For(EngineCommand engine, ContainerSettings settings) => engine.Name == "podman"
        ? new PidFile(ContainerArguments.PidFile(settings))
        : new FromApi(DockerSocket.Find(engine), settings.ContainerName);

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

    private sealed class FromApi(string socket, string name) : ProcessIdSource
    {
        public override int? TryRead()
        {
            using var document = DockerApi.TryGet(socket, $"/containers/{name}/json");
            return document is not null && document.RootElement.GetProperty("State") is var state
                && state.GetProperty("Running").GetBoolean() && state.GetProperty("Pid").GetInt32() is > 0 and var id ? id : null;
        }
    }
}
