using System.Text;
using Gatehouse.Gate.Native;

namespace Gatehouse.Gate.Recording;

/// <summary>
/// Events on their way to the sink, a line of JSON each. Written before they are sent, so that they survive this process (page cache), and
/// cut to nothing when all are delivered. One reader and one writer: the recorder's own task.
/// </summary>
internal sealed class SpoolFile : IDisposable
{
    private readonly FileStream _file;
    private readonly long _most;
    private long _delivered;

    /// <param name="path">One a gate; locked, since two writers would mix lines.</param>
    /// <param name="most">Bytes.</param>
    public SpoolFile(string path, long most)
    {
        _most = most;
        _file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);
        if (Libc.flock(_file.SafeFileHandle, Libc.LOCK_EX | Libc.LOCK_NB) != 0)
            throw new IOException($"another process uses {path}: is another Gatehouse running on the same state directory?");
        File.SetUnixFileMode(_file.SafeFileHandle, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        EndLastLine();
    }

    /// <summary>Bytes that are not delivered yet.</summary>
    public long Pending => _file.Length - _delivered;

    public bool IsFull => _file.Length >= _most;

    /// <exception cref="IOException">The disk is full.</exception>
    public void Append(ReadOnlySpan<byte> lines) => RandomAccess.Write(_file.SafeFileHandle, lines, _file.Length);

    /// <summary>The oldest lines that are not delivered.</summary>
    /// <returns>Whole lines; empty when all are.</returns>
    public byte[] Peek(int mostLines, int mostBytes)
    {
        var buffer = new byte[Math.Min(mostBytes, Pending)];
        var length = RandomAccess.Read(_file.SafeFileHandle, buffer, _delivered);
        var end = 0;
        for (var lines = 0; lines < mostLines && buffer.AsSpan(end, length - end).IndexOf((byte)'\n') is >= 0 and var at; lines++)
            end += at + 1;
        return buffer[..end];
    }

    /// <summary>They are in the sink, or given up.</summary>
    public void Deliver(int bytes)
    {
        _delivered += bytes;
        if (_delivered < _file.Length)
            return;
        _file.SetLength(0);
        _delivered = 0;
    }

    public void Dispose() => _file.Dispose();

    // A process that died within a write left a part of a line: it was never acknowledged to anybody, and would spoil the next.
    private void EndLastLine()
    {
        if (_file.Length == 0)
            return;
        var last = new byte[1];
        RandomAccess.Read(_file.SafeFileHandle, last, _file.Length - 1);
        if (last[0] != (byte)'\n')
            Append(Encoding.ASCII.GetBytes("\n"));
    }
}
