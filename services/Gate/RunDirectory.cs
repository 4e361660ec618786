using System.Globalization;
using Gatehouse.Gate.Native;

namespace Gatehouse.Gate;

/// <summary>
/// Where the parts of one user's Gatehouse meet: unix sockets and small files, mode 0700, owned by this user. <c>$GATEHOUSE_RUN</c>,
/// else <c>$XDG_RUNTIME_DIR/gatehouse</c>, else <c>/run/user/UID/gatehouse</c>, else <c>/tmp/gatehouse-UID</c>.
/// </summary>
public sealed class RunDirectory
{
    /// <summary>sun_path holds 108 bytes with its NUL (unix(7)); the longest name in here is <c>secrets.sock</c>.</summary>
    private const int MaxPath = 107 - 13;

    private RunDirectory(string path) => Path = path;

    public string Path { get; }

    /// <summary>Creates it when missing.</summary>
    /// <exception cref="IOException">It is a link, somebody else's, or open to others: what to do is in the message.</exception>
    public static RunDirectory Open()
    {
        var path = PrivateDirectory.Open(Choose(), "GATEHOUSE_RUN");
        return path.Length <= MaxPath
            ? new(path)
            : throw new IOException($"{path} is too long for unix sockets ({MaxPath} bytes at most): set GATEHOUSE_RUN to a shorter path");
    }

    /// <summary>The unix socket on which a gate takes sessions; <paramref name="gate"/> is <c>dns</c>, <c>egress</c> or <c>secrets</c>.</summary>
    public string GateSocket(string gate) => System.IO.Path.Combine(Path, gate + ".sock");

    private static string Choose()
    {
        if (Environment.GetEnvironmentVariable("GATEHOUSE_RUN") is { Length: > 0 } named)
            return named;
        if (Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR") is { Length: > 0 } runtime && Directory.Exists(runtime))
            return System.IO.Path.Combine(runtime, "gatehouse");
        var uid = LibC.getuid().ToString(CultureInfo.InvariantCulture);
        return Directory.Exists($"/run/user/{uid}") ? $"/run/user/{uid}/gatehouse" : $"/tmp/gatehouse-{uid}";
    }
}

/// <summary>What outlives a boot: the record, spools, sessions' upper layers. <c>$GATEHOUSE_STATE</c>, else <c>$XDG_STATE_HOME/gatehouse</c>, else <c>~/.local/state/gatehouse</c>.</summary>
public sealed class StateDirectory
{
    private StateDirectory(string path) => Path = path;

    public string Path { get; }

    /// <inheritdoc cref="RunDirectory.Open"/>
    public static StateDirectory Open()
    {
        if (Environment.GetEnvironmentVariable("GATEHOUSE_STATE") is { Length: > 0 } named)
            return new(PrivateDirectory.Open(named, "GATEHOUSE_STATE"));
        var state = Environment.GetEnvironmentVariable("XDG_STATE_HOME") is { Length: > 0 } home
            ? home
            : System.IO.Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".local/state");
        return new(PrivateDirectory.Open(System.IO.Path.Combine(state, "gatehouse"), "GATEHOUSE_STATE"));
    }
}
