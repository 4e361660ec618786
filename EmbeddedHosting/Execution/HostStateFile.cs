using System.Text.Json;

namespace Aspire.Hosting.Execution;

/// <summary><c>host.json</c> in the run directory: who hosts the services, and how each is. For <c>gatehouse up | down | status</c>.</summary>
internal sealed class HostStateFile(string directory, IReadOnlyCollection<ResourceRun> runs)
{
    private readonly string _path = Path.Combine(directory, "host.json");
    private readonly DateTimeOffset _started = TimeProvider.System.GetUtcNow();
    private readonly Lock _lock = new();
    private bool _deleted;

    public void Write()
    {
        lock (_lock)
        {
            if (_deleted)
                return;
            try
            {
                Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
                using (var file = new FileStream(_path + ".new", new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite }))
                    Write(file);
                File.Move(_path + ".new", _path, overwrite: true);
            }
            catch (IOException)
            {
                // The services work without; only 'gatehouse status' knows less.
            }
        }
    }

    public void Delete()
    {
        lock (_lock)
        {
            _deleted = true;
            File.Delete(_path);
        }
    }

    private void Write(Stream file)
    {
        using var json = new Utf8JsonWriter(file);
        json.WriteStartObject();
        json.WriteNumber("pid", Environment.ProcessId);
        json.WriteString("started", _started);
        json.WriteString("host", "embedded");
        json.WriteStartArray("resources");
        foreach (var run in runs)
        {
            json.WriteStartObject();
            json.WriteString("name", run.Resource.Name);
            if (run.Resource.Port is not null)
                json.WriteString("url", run.Resource.Url);
            if (run.Pid is { } pid)
                json.WriteNumber("pid", pid);
            json.WriteString("state", run.State);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }
}
