using System.Runtime.InteropServices;
using System.Text;
using Gatehouse.AgentSandbox.Native;

namespace Gatehouse.AgentSandbox.CommandLine.Top;

/// <summary>
/// The terminal's second screen, for as long as the view has it: given back at the end however that comes, and while the command is stopped (Ctrl-Z).
/// </summary>
internal sealed class TopScreen : IDisposable
{
    private const string Enter = "\u001b[?1049h\u001b[?25l\u001b[?7l", Leave = "\u001b[?7h\u001b[?25h\u001b[?1049l", Home = "\u001b[H", ToEnd = "\u001b[0m\u001b[K", Below = "\u001b[J";

    private const int SIGTSTP = 20;

    /// <summary>From the signal until the kernel has stopped every thread.</summary>
    private static readonly TimeSpan s_untilStopped = TimeSpan.FromMilliseconds(50);

    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _changed = new(0, 1);
    private readonly PosixSignalRegistration[] _signals;
    private bool _isShown, _isOver;
    private PosixSignalRegistration? _stop;

    public TopScreen()
    {
        _signals = [PosixSignalRegistration.Create(PosixSignal.SIGCONT, _ => Wake()), PosixSignalRegistration.Create(PosixSignal.SIGWINCH, _ => Wake())];
        _stop = PosixSignalRegistration.Create(PosixSignal.SIGTSTP, _ => Stop());
        Show();
    }

    public static int Width => Math.Max(20, Console.WindowWidth);

    /// <summary>Without the last line, where a line's end would scroll the heading away.</summary>
    public static int Height => Math.Max(4, Console.WindowHeight - 1);

    /// <summary>In one write, so that it does not flicker.</summary>
    public void Draw(IEnumerable<string> lines)
    {
        var screen = new StringBuilder(Home);
        foreach (var line in lines.Take(Height))
            screen.Append(line).Append(ToEnd).Append("\r\n");
        screen.Append(Below);
        lock (_lock)
        {
            if (_isShown)
                Write(screen.ToString());
        }
    }

    /// <summary>Until so long, or until the terminal has another size or is there again.</summary>
    public Task WaitAsync(TimeSpan most, CancellationToken cancelled) => _changed.WaitAsync(most, cancelled);

    public void Dispose()
    {
        foreach (var signal in _signals)
            signal.Dispose();
        lock (_lock)
        {
            _stop?.Dispose();
            Hide();
            _isOver = true;
        }

        _changed.Dispose();
    }

    // The runtime's handler stands in the way of what the signal does by itself. That is more than SIGSTOP: the kernel does not stop who has no shell to continue it.
    private void Stop()
    {
        lock (_lock)
        {
            if (_isOver)
                return;
            Hide();
            _stop?.Dispose();
            _ = LibC.kill(Environment.ProcessId, SIGTSTP);
            using var stopped = new ManualResetEventSlim();
            stopped.Wait(s_untilStopped);
            _stop = PosixSignalRegistration.Create(PosixSignal.SIGTSTP, _ => Stop());
            Show();
        }
    }

    private void Show()
    {
        lock (_lock)
        {
            if (_isShown || _isOver)
                return;
            _isShown = true;
            Write(Enter);
        }

        Wake();
    }

    private void Hide()
    {
        lock (_lock)
        {
            if (_isShown)
                Write(Leave);
            _isShown = false;
        }
    }

    private void Wake()
    {
        lock (_lock)
        {
            if (!_isOver && _changed.CurrentCount == 0)
                _changed.Release();
        }
    }

    private static void Write(string text)
    {
        Console.Out.Write(text);
        Console.Out.Flush();
    }
}
