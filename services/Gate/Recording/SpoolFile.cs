using Gatehouse.Gate.Handover;
using Microsoft.Win32.SafeHandles;

namespace Gatehouse.Gate.Recording;

/// <summary>
/// Events on their way to the sink, one line of JSON each. A line is in the page cache when <see cref="TryAppend"/> returns, so it outlives this
/// process however that ends, and it leaves only when the sink has it. Many threads append, one takes; all may be at it at a time.
/// </summary>
internal sealed class SpoolFile : IDisposable
{
    /// <summary>Moving what is left to a new file must pay: not for less than this.</summary>
    private const long CompactFrom = 1024 * 1024;

    /// <summary>A disk that holds up a write into the page cache for longer is as good as none: whoever waits behind that write denies.</summary>
    private static readonly TimeSpan s_appendWithin = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly string _path;
    private readonly long _most;
    private readonly bool _mayMap;
    private readonly GateLock _lock;
    private SafeFileHandle _file;
    private SpoolWindow? _window;
    private byte[] _peeked = [];
    private long _length;
    private long _delivered;
    private long _compactFrom = CompactFrom;

    /// <param name="path">Its lock is beside it: two writers would mix lines.</param>
    /// <param name="most">Bytes that may wait.</param>
    /// <param name="mayMap">False for what file systems get that can not hold the room they gave.</param>
    public SpoolFile(string path, long most, bool mayMap = true)
    {
        (_path, _most) = (path, most);
        _lock = GateLock.Take(path + ".lock", $"The spool {path}");
        TryRemove(path + ".new"); // Of a process that died while it moved what was left.
        _mayMap = mayMap && SpoolWindow.IsPossible(Path.GetDirectoryName(path)!);
        _file = Open(path);
        CutTornLine();
    }

    /// <summary>Bytes that wait for the sink.</summary>
    /// <remarks>Does not wait for a disk that holds an append up: metrics read it.</remarks>
    public long Pending => Math.Max(0, Volatile.Read(ref _length) - Volatile.Read(ref _delivered));

    /// <summary>Held while the disk is at an append.</summary>
    internal Lock Appending => _gate;

    /// <returns>False when there is no room, the disk is too slow, or the file is closed: nothing was written.</returns>
    /// <exception cref="IOException">The disk is full or broken: nothing was written.</exception>
    public bool TryAppend(ReadOnlySpan<byte> lines)
    {
        if (!_gate.TryEnter(s_appendWithin))
            return false;
        try
        {
            // The second bound is met only when what was delivered could not be given back to the disk for long.
            if (_file.IsClosed || _length - _delivered + lines.Length > _most || _length > (2 * _most) + (2 * CompactFrom))
                return false;
            Write(lines);
            _length += lines.Length;
            return true;
        }
        finally
        {
            _gate.Exit();
        }
    }

    private void Write(ReadOnlySpan<byte> lines)
    {
        if (_window is not null && _window.TryWrite(_length, lines))
            return;
        if (_mayMap && SpoolWindow.TryOpen(_file, _length, lines.Length) is { } next)
        {
            _window?.Dispose();
            _window = next;
            if (next.TryWrite(_length, lines))
                return;
        }
        try
        {
            RandomAccess.Write(_file, lines, _length);
        }
        catch (IOException)
        {
            CutTo(_length); // No half line: the next one would be spoilt by it.
            throw;
        }
    }

    // What is mapped must be in the file: a store beyond its end would be a SIGBUS.
    private void CutTo(long length)
    {
        _window?.Dispose();
        _window = null;
        RandomAccess.SetLength(_file, length);
    }

    /// <summary>The oldest lines, whole ones; empty when none waits. Valid until asked again.</summary>
    public ReadOnlyMemory<byte> Peek(int mostLines, int mostBytes)
    {
        long start, pending;
        lock (_gate)
            (start, pending) = (_delivered, _length - _delivered);
        var most = (int)Math.Min(mostBytes, pending);
        // A new one each time would be a large object each time.
        if (_peeked.Length < most)
            _peeked = new byte[most];
        var buffer = _peeked;
        var length = 0;
        for (int read; length < most && (read = RandomAccess.Read(_file, buffer.AsSpan(length, most - length), start + length)) > 0;)
            length += read;
        var end = 0;
        for (var lines = 0; lines < mostLines && buffer.AsSpan(end, length - end).IndexOf((byte)'\n') is >= 0 and var at; lines++)
            end += at + 1;
        // Longer than any line we write: whatever it is, it goes out in pieces, to be refused and set aside.
        return buffer.AsMemory(0, end == 0 && length == mostBytes ? length : end);
    }

    /// <summary>The oldest so many bytes are in the sink, or set aside.</summary>
    public void Deliver(int bytes)
    {
        long length;
        lock (_gate)
        {
            _delivered += bytes;
            if (_delivered == _length)
            {
                if (_window is null || !_window.TryClear(_length))
                    CutTo(0);
                _delivered = _length = 0;
                _compactFrom = CompactFrom;
            }
            length = _length;
        }
        if (_delivered >= _compactFrom && _delivered >= length - _delivered)
            Compact(length);
    }

    public void Dispose()
    {
        lock (_gate)
        {
            if (!_file.IsClosed)
                TryCut();
            _file.Dispose();
        }
        _lock.Dispose();
    }

    // Under steady load the file is never empty, and would grow for ever. Each byte is moved at most once for each that was delivered.
    private void Compact(long length)
    {
        var next = _path + ".new";
        SafeFileHandle? file = null;
        try
        {
            TryRemove(next);
            file = Open(next);
            // Appends go on meanwhile: only what they add is moved while they wait.
            Copy(file, 0, length);
            lock (_gate)
            {
                Copy(file, length - _delivered, _length);
                File.Move(next, _path, overwrite: true);
                _window?.Dispose();
                _window = null;
                _file.Dispose();
                (_file, _length, _delivered, _compactFrom) = (file, _length - _delivered, 0, CompactFrom);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The disk is full, say. Delivering goes on, which makes room.
            file?.Dispose();
            TryRemove(next);
            _compactFrom = _delivered + CompactFrom;
        }
    }

    /// <summary>What stands behind the delivered and <paramref name="at"/> bytes more, up to <paramref name="end"/>, to the same place of the new file.</summary>
    private void Copy(SafeFileHandle file, long at, long end)
    {
        var block = new byte[64 * 1024];
        for (int read; _delivered + at < end; at += read)
        {
            read = RandomAccess.Read(_file, block.AsSpan(0, (int)Math.Min(block.Length, end - _delivered - at)), _delivered + at);
            if (read == 0)
                throw new IOException($"{_path} was cut by somebody else");
            RandomAccess.Write(file, block.AsSpan(0, read), at);
        }
    }

    private void TryCut()
    {
        try
        {
            CutTo(_length);
        }
        catch (IOException)
        {
            // Zeros behind the last line: the next start cuts them.
        }
    }

    private static void TryRemove(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Whoever needs the name meets it again.
        }
    }

    // A process that died left the rest of its window, zeros, and perhaps a part of a line before them, of which nobody was told that it is recorded.
    private void CutTornLine()
    {
        _length = RandomAccess.GetLength(_file);
        var block = new byte[64 * 1024];
        while (_length > 0)
        {
            var start = Math.Max(0, _length - block.Length);
            var read = RandomAccess.Read(_file, block.AsSpan(0, (int)(_length - start)), start);
            var last = block.AsSpan(0, read).LastIndexOf((byte)'\n');
            _length = start + last + 1;
            if (last >= 0)
                break;
        }
        RandomAccess.SetLength(_file, _length);
    }

    private static SafeFileHandle Open(string path)
    {
        var file = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return file;
    }
}
