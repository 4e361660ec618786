using System.Globalization;
using System.Text;
using Gatehouse.Gate.Native;

namespace Gatehouse.Gate;

/// <summary>
/// Where the parts of one user's Gatehouse meet: unix sockets and small files, mode 0700, owned by this user. <c>$GATEHOUSE_RUN</c>,
/// else <c>$XDG_RUNTIME_DIR/gatehouse</c>, else <c>/run/user/UID/gatehouse</c>, else <c>/tmp/gatehouse-UID</c>.
/// </summary>
public sealed class RunDirectory
{
    /// <summary>sun_path holds 108 bytes, the last of them NUL (unix(7)).</summary>
    private const int MaxSocketPath = 107;

    /// <summary>
    /// For root in a container beside the gates' containers, which run as another user: the uid that the run directory, and so the gates, belong to.
    /// Heeded for root alone, who could become that user anyway.
    /// </summary>
    private const string OwnerVariable = "GATEHOUSE_RUN_OWNER";

    private RunDirectory(string path, uint owner) => (Path, Owner) = (path, owner);

    public string Path { get; }

    /// <summary>Uid that everything in it belongs to: this process's user, but see <c>GATEHOUSE_RUN_OWNER</c>.</summary>
    public uint Owner { get; }

    /// <summary>Creates it when missing.</summary>
    /// <exception cref="IOException">It is a link, somebody else's, or open to others: what to do is in the message.</exception>
    public static RunDirectory Open() => Open(Find(Environment.GetEnvironmentVariable), FindOwner(Environment.GetEnvironmentVariable));

    /// <summary>The one at this absolute path.</summary>
    /// <inheritdoc cref="Open()"/>
    public static RunDirectory Open(string path) => Open(path, Libc.geteuid());

    private static RunDirectory Open(string path, uint owner)
    {
        var run = new RunDirectory(PrivateDirectory.Ensure(path, "GATEHOUSE_RUN", owner), owner);
        _ = run.GateSocket("secrets"); // The longest one: better told now than by a failing bind.
        return run;
    }

    /// <summary>The unix socket on which a gate takes sessions; <paramref name="gate"/> is <c>dns</c>, <c>egress</c> or <c>secrets</c>.</summary>
    /// <exception cref="IOException">The path is longer than the address of a unix socket can be.</exception>
    public string GateSocket(string gate)
    {
        var socket = System.IO.Path.Combine(Path, gate + ".sock");
        var length = Encoding.UTF8.GetByteCount(socket);
        return length <= MaxSocketPath
            ? socket
            : throw new IOException(
                $"{socket} is {length} bytes long, a unix socket's path at most {MaxSocketPath}. Set GATEHOUSE_RUN to a shorter directory.");
    }

    internal static uint FindOwner(Func<string, string?> environment)
    {
        if (environment(OwnerVariable) is not { Length: > 0 } text)
            return Libc.geteuid();
        if (!uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var owner))
            throw new IOException($"{OwnerVariable} is '{text}': write a user id, or unset it.");
        return Libc.geteuid() == 0 ? owner : Libc.geteuid();
    }

    internal static string Find(Func<string, string?> environment)
    {
        if (environment("GATEHOUSE_RUN") is { Length: > 0 } explicitly)
            return explicitly;
        var user = Libc.geteuid().ToString(CultureInfo.InvariantCulture);
        // The base directory specification has relative paths ignored.
        if (environment("XDG_RUNTIME_DIR") is { } runtime && System.IO.Path.IsPathFullyQualified(runtime) && PrivateDirectory.IsOwn(runtime))
            return System.IO.Path.Combine(runtime, "gatehouse");
        return PrivateDirectory.IsOwn("/run/user/" + user) ? $"/run/user/{user}/gatehouse" : "/tmp/gatehouse-" + user;
    }
}
