using System.Diagnostics;
using System.Net.Sockets;
using System.Security.Cryptography;
using Gatehouse.AgentSandbox.Enclosure;

namespace Gatehouse.AgentSandbox.Containers;

/// <summary>
/// A container that joins the agent's network namespace for a moment and may administer it, where the launcher may not enter it itself: only Docker's
/// socket is at hand. It runs our own static program and nothing of the image; the sockets come back over a unix socket that is mounted into it.
/// </summary>
internal sealed class HelperContainer : IDisposable
{
    private const string Socket = "/.gatehouse/launcher";

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly Process _client;
    private readonly Socket _door;
    private readonly string _path;

    private HelperContainer(Process client, Socket door, string path) => (_client, _door, _path) = (client, door, path);

    public static string NameFor(ContainerSettings settings) => settings.ContainerName + "-network";

    public static HelperContainer Start(EngineCommand engine, ContainerSettings settings, ImageFacts image, string installation)
    {
        // sun_path is short; the run directory is ours alone, so the mode lets in only who it is mounted into: its root has no right to ignore modes.
        var path = Path.Combine(settings.Run, "n-" + RandomNumberGenerator.GetHexString(8, lowercase: true));
        var door = new Socket(AddressFamily.Unix, SocketType.Seqpacket, ProtocolType.Unspecified);
        try
        {
            door.Bind(new UnixDomainSocketEndPoint(path));
            File.SetUnixFileMode(path, (UnixFileMode)0x1b6); // rw-rw-rw-
            door.Listen(1);
            var client = engine.Start(
            [
                "run", "--rm", "--name", NameFor(settings), "--pull", "never",
                "--label", $"{ContainerArguments.SessionLabel}={settings.Session}", "--label", $"{ContainerArguments.InstallationLabel}={installation}",
                "--network", "container:" + settings.ContainerName, "--user", "0:0", "--cap-drop", "ALL",
                // Routes, ports below 1024, the tap.
                "--cap-add", "NET_ADMIN", "--cap-add", "NET_BIND_SERVICE", "--cap-add", "NET_RAW",
                "--security-opt", "no-new-privileges", "--read-only", "--pids-limit", "32", "--memory", "128m",
                "--log-driver", "none", "--no-healthcheck", "--restart", "no",
                "--mount", ContainerArguments.Bind(InitProgram.Find(), ContainerArguments.Init, isReadOnly: true),
                "--mount", ContainerArguments.Bind(path, Socket, isReadOnly: false),
                .. image.Volumes.SelectMany(volume => new[] { "--tmpfs", volume + ":rw,noexec,nosuid,nodev,size=4096" }),
                "--entrypoint", ContainerArguments.Init, image.Id, "network-at", Socket,
            ]);
            client.StandardInput.Close();
            return new(client, door, path);
        }
        catch
        {
            door.Dispose();
            File.Delete(path);
            throw;
        }
    }

    /// <summary>Waits for its connection.</summary>
    /// <exception cref="EnclosureException">It ended before.</exception>
    public NetworkEntry Accept()
    {
        for (var since = TimeProvider.System.GetTimestamp(); TimeProvider.System.GetElapsedTime(since) < s_patience;)
        {
            if (_door.Poll(TimeSpan.FromMilliseconds(50), SelectMode.SelectRead))
            {
                using var accepted = _door.Accept();
                // The descriptor lives on in the entry.
                var channel = Native.LibC.fcntl((int)accepted.Handle, 1030, 3); // F_DUPFD_CLOEXEC
                return NetworkEntry.Over(Native.SystemCallException.Check(channel, "keep the helper's connection"));
            }

            if (_client.HasExited)
                throw new EnclosureException($"the helper container that makes the agent's network ended: {_client.StandardError.ReadToEnd().Trim()}");
        }

        throw new EnclosureException("the helper container that makes the agent's network did not start");
    }

    public void Dispose()
    {
        _door.Dispose();
        File.Delete(_path);
        if (!_client.WaitForExit(TimeSpan.FromSeconds(10)))
            _client.Kill();
        _client.Dispose();
    }
}
