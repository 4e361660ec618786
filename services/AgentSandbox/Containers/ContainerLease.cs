using System.Text;
using Gatehouse.AgentSandbox.Containers.Protocol;
using Gatehouse.AgentSandbox.Enclosure;
using Gatehouse.AgentSandbox.Native;

namespace Gatehouse.AgentSandbox.Containers;

/// <summary>
/// The launcher's end of the connection to a container's first process: it carries the agent's program in, signals and the exit code, and its
/// end is the container's end.
/// </summary>
internal sealed class ContainerLease(int descriptor) : IDisposable
{
    private const int SHUT_RDWR = 2;

    /// <summary>From the message to the agent's program: seconds on a busy machine.</summary>
    private static readonly TimeSpan s_startWithin = TimeSpan.FromSeconds(60);

    private int _descriptor = descriptor;

    /// <summary>Starts the agent's program.</summary>
    /// <param name="message">Which, and how.</param>
    /// <param name="where">For the message when it can not be started: "in the image X".</param>
    /// <exception cref="EnclosureException">It could not be started, or the container ended.</exception>
    public void Start(StartMessage message, string where)
    {
        if (!LibC.SendAll(_descriptor, message.ToBytes()))
            throw Ended(where);
        // One byte: an agent that ended at once has its exit code right behind.
        var answer = new byte[1024];
        var length = HasNews(s_startWithin) ? Receive(answer.AsSpan(0, 1)) : 0;
        if (length > 0 && answer[0] == StartMessage.Started)
            return;
        if (length > 0 && answer[0] == StartMessage.NotStarted)
            length += Receive(answer.AsSpan(1));
        throw length > 1
            ? new EnclosureException($"{message.Command[0]} could not be started {where}: {Encoding.UTF8.GetString(answer, 1, length - 1)}")
            : Ended(where);
    }

    public bool HasNews(TimeSpan within) => _descriptor >= 0 && LibC.IsReadable(_descriptor, within);

    /// <summary>What the first process said last, when <see cref="HasNews"/>: the agent's exit code; null when the connection ended without it.</summary>
    public int? ReadEnd()
    {
        var answer = new byte[2];
        return Receive(answer.AsSpan(0, 1)) == 1 && Receive(answer.AsSpan(1)) == 1 && answer[0] == StartMessage.Ended ? answer[1] : null;
    }

    public void Signal(int signal)
    {
        _ = LibC.SendAll(_descriptor, [(byte)signal]);
    }

    /// <summary>Without its lease the first process ends, and with it the container. Thread-safe, also with <see cref="HasNews"/>.</summary>
    public void Kill()
    {
        if (_descriptor >= 0)
            _ = LibC.shutdown(_descriptor, SHUT_RDWR);
    }

    public void Dispose()
    {
        Kill();
        if (Interlocked.Exchange(ref _descriptor, -1) is >= 0 and var descriptor)
            _ = LibC.close(descriptor);
    }

    private static EnclosureException Ended(string where) => new($"the container ended before the agent's program was started {where}");

    private int Receive(Span<byte> buffer) => (int)LibC.Receive(_descriptor, buffer);
}
