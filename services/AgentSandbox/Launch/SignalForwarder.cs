using System.Runtime.InteropServices;
using Gatehouse.AgentSandbox.Enclosure;
using Gatehouse.AgentSandbox.Native;

namespace Gatehouse.AgentSandbox.Launch;

/// <summary>
/// Signals sent to the launcher reach the agent. What the terminal sends (Ctrl-C, Ctrl-\) it sends to the agent itself, which is in the same
/// foreground group: then the launcher only has to survive it. Ctrl-Z stops launcher and agent alike, and <c>fg</c> continues both.
/// </summary>
internal sealed class SignalForwarder : IDisposable
{
    private readonly List<PosixSignalRegistration> _registrations = [];

    public SignalForwarder(AgentEnclosure enclosure)
    {
        var foreground = enclosure.SharesTerminal && Terminal.IsTerminal(0);
        foreach (var (signal, number) in new[]
        {
            (PosixSignal.SIGINT, 2), (PosixSignal.SIGQUIT, 3), (PosixSignal.SIGTERM, 15), (PosixSignal.SIGHUP, 1),
            ((PosixSignal)10, 10), ((PosixSignal)12, 12), // SIGUSR1, SIGUSR2
        })
        {
            var fromTerminal = foreground && number is 2 or 3;
            _registrations.Add(PosixSignalRegistration.Create(signal, context =>
            {
                context.Cancel = true;
                if (!fromTerminal || LibC.tcgetpgrp(0) != LibC.getpgrp())
                    enclosure.Signal(number);
            }));
        }
    }

    public void Dispose() => _registrations.ForEach(registration => registration.Dispose());
}
