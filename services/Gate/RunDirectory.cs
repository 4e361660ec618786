namespace Gatehouse.Gate;

/// <summary>
/// Where the parts of one user's Gatehouse meet: unix sockets and small files, mode 0700, owned by this user. <c>$GATEHOUSE_RUN</c>,
/// else <c>$XDG_RUNTIME_DIR/gatehouse</c>, else <c>/run/user/UID/gatehouse</c>, else <c>/tmp/gatehouse-UID</c>.
/// </summary>
public sealed class RunDirectory
{
    private RunDirectory(string path) => Path = path;

    public string Path { get; }

    /// <summary>Creates it when missing.</summary>
    /// <exception cref="IOException">It is a link, somebody else's, or open to others: what to do is in the message.</exception>
    public static RunDirectory Open() => throw new NotImplementedException();

    /// <summary>The unix socket on which a gate takes sessions; <paramref name="gate"/> is <c>dns</c>, <c>egress</c> or <c>secrets</c>.</summary>
    public string GateSocket(string gate) => System.IO.Path.Combine(Path, gate + ".sock");
}

/// <summary>What outlives a boot: the record, spools, sessions' upper layers. <c>$GATEHOUSE_STATE</c>, else <c>$XDG_STATE_HOME/gatehouse</c>, else <c>~/.local/state/gatehouse</c>.</summary>
public sealed class StateDirectory
{
    private StateDirectory(string path) => Path = path;

    public string Path { get; }

    /// <inheritdoc cref="RunDirectory.Open"/>
    public static StateDirectory Open() => throw new NotImplementedException();
}
