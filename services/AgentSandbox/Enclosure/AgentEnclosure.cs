using System.Collections.Immutable;
using Gatehouse.AgentSandbox.Native;

namespace Gatehouse.AgentSandbox.Enclosure;

/// <summary>The launcher's view of one enclosure, whatever makes it: prepared (nothing of the agent runs), started, ended.</summary>
internal abstract class AgentEnclosure : IDisposable
{
    /// <summary>Descriptors in the order of <see cref="EnclosureSpec.Sockets"/>. Close them with <see cref="CloseSockets"/> once the gates have theirs.</summary>
    public ImmutableArray<int> Sockets { get; protected set; } = [];

    /// <summary>Whether what the caller's terminal sends to its foreground group reaches the agent by itself.</summary>
    public abstract bool SharesTerminal { get; }

    /// <summary>From here on the agent runs.</summary>
    /// <exception cref="EnclosureException">Its program could not be started.</exception>
    public abstract void Start();

    /// <summary>Waits for the agent's end.</summary>
    /// <param name="ran">False when the enclosure failed before the agent's program was there.</param>
    /// <returns>The agent's exit code, 128 + signal when a signal ended it.</returns>
    public abstract int Wait(out bool ran);

    /// <summary>Sends a signal to the agent's first process; when there is none yet, ends the enclosure.</summary>
    public abstract void Signal(int signal);

    /// <summary>Ends everything in the enclosure at once.</summary>
    public abstract void Kill();

    /// <summary>A TCP socket of the agent's network namespace, not connected; thread-safe.</summary>
    /// <exception cref="EnclosureException">It can not be made.</exception>
    public abstract int CreateSocket(bool isIPv6);

    public void CloseSockets()
    {
        foreach (var socket in Sockets)
            _ = LibC.close(socket);
        Sockets = [];
    }

    /// <summary>Idempotent; ends what still runs, waits for it, and leaves nothing of it on the machine.</summary>
    public abstract void Dispose();
}
