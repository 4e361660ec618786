using System.Text;
using Gatehouse.AgentSandbox.Native;

namespace Gatehouse.AgentSandbox.Launch;

/// <summary>
/// The caller's terminal while an agent has it. Written to with write(2): the runtime's console would send the terminal its own
/// set-up sequences and change its modes behind the agent's back.
/// </summary>
internal static unsafe class Terminal
{
    private const int SIGTTOU = 22;
    private const nint Ignore = 1;

    public static bool IsTerminal(int fd) => LibC.isatty(fd) == 1;

    /// <summary>One line on standard error, with control characters made harmless.</summary>
    public static void Say(string line)
    {
        var text = new StringBuilder("gatehouse: ");
        foreach (var character in line)
            text.Append(char.IsControl(character) ? '?' : character);
        text.Append('\n');
        var bytes = Encoding.UTF8.GetBytes(text.ToString());
        fixed (byte* data = bytes)
            _ = LibC.write(2, data, (nuint)bytes.Length);
    }

    /// <summary>Brings this process's group to the foreground again: an interactive shell inside left its own there when it ended.</summary>
    public static void TakeBack()
    {
        if (!IsTerminal(0) || LibC.tcgetpgrp(0) == LibC.getpgrp())
            return;
        var before = LibC.signal(SIGTTOU, Ignore);
        _ = LibC.tcsetpgrp(0, LibC.getpgrp());
        _ = LibC.signal(SIGTTOU, before);
    }
}
