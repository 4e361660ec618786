using System.Diagnostics.CodeAnalysis;
using System.Threading.Channels;

namespace Gatehouse.Gate.Recording;

/// <summary>Lines that could not be written when they were recorded, in memory, bounded by count and by bytes: an agent chooses how long most of a line is.</summary>
internal sealed class SpoolQueue(int most)
{
    /// <summary>Of lines; eight times what as many ordinary events take.</summary>
    private const long MostBytes = 64 * 1024 * 1024;

    private readonly Channel<byte[]> _lines = Channel.CreateBounded<byte[]>(new BoundedChannelOptions(most) { SingleReader = true });
    private long _bytes;

    public int Count => _lines.Reader.Count;

    /// <param name="line">With its end.</param>
    /// <param name="isAttempt">A denied attempt may take half of the room: an agent that tries on can not push out how its open connections end.</param>
    /// <returns>False when there is no room.</returns>
    public bool TryAdd(ReadOnlySpan<byte> line, bool isAttempt)
    {
        var part = isAttempt ? 2 : 1;
        if (Interlocked.Add(ref _bytes, line.Length) <= MostBytes / part && Count < most / part && _lines.Writer.TryWrite(line.ToArray()))
            return true;
        Interlocked.Add(ref _bytes, -line.Length);
        return false;
    }

    public void Complete() => _lines.Writer.TryComplete();

    public ValueTask<bool> WaitAsync(CancellationToken stop) => _lines.Reader.WaitToReadAsync(stop);

    public bool TryPeek([NotNullWhen(true)] out byte[]? line) => _lines.Reader.TryPeek(out line);

    /// <summary>Takes away what was peeked at.</summary>
    public void Take()
    {
        if (_lines.Reader.TryRead(out var line))
            Interlocked.Add(ref _bytes, -line.Length);
    }
}
