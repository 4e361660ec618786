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
    private readonly GateLock _lock;
    private SafeFileHandle _file;
    private byte[] _peeked = [];
    private long _length;
    private long _delivered;

    /// <param name="path">Its lock is beside it: two writers would mix lines.</param>
    /// <param name="most">Bytes that may wait.</param>
    public SpoolFile(string path, long most)
    {
        (_path, _most) = (path, most);
        _lock = GateLock.Take(path + ".lock", $"The spool {path}");
        _file = Open(path);
        CutTornLine();
    }

    /// <summary>Bytes that wait for the sink.</summary>
    public long Pending
    {
        get
        {
            lock (_gate)
                return _length - _delivered;
        }
    }

    /// <returns>False when there is no room, the disk is too slow, or the file is closed: nothing was written.</returns>
    /// <exception cref="IOException">The disk is full or broken: nothing was written.</exception>
    public bool TryAppend(ReadOnlySpan<byte> lines)
    {
        if (!_gate.TryEnter(s_appendWithin))
            return false;
        try
        {
            if (_file.IsClosed || _length - _delivered + lines.Length > _most)
                return false;
            try
            {
                RandomAccess.Write(_file, lines, _length);
            }
            catch (IOException)
            {
                RandomAccess.SetLength(_file, _length); // No half line: the next one would be spoilt by it.
                throw;
            }
            _length += lines.Length;
            return true;
        }
        finally
        {
            _gate.Exit();
        }
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
        lock (_gate)
        {
            _delivered += bytes;
            if (_delivered == _length)
            {
                RandomAccess.SetLength(_file, 0);
                _delivered = _length = 0;
            }
            else if (_delivered >= CompactFrom && _delivered >= _length - _delivered)
            {
                Compact();
            }
        }
    }

    public void Dispose()
    {
        lock (_gate)
            _file.Dispose();
        _lock.Dispose();
    }

    // Under steady load the file is never empty, and would grow for ever. Each byte is moved at most once for each that was delivered.
    private void Compact()
    {
        var rest = new byte[_length - _delivered];
        for (int length = 0, read; length < rest.Length; length += read)
        {
            read = RandomAccess.Read(_file, rest.AsSpan(length), _delivered + length);
            if (read == 0)
                throw new IOException($"{_path} was cut by somebody else");
        }
        var next = _path + ".new";
        File.Delete(next);
        var file = Open(next);
        RandomAccess.Write(file, rest, 0);
        File.Move(next, _path, overwrite: true);
        _file.Dispose();
        (_file, _length, _delivered) = (file, rest.Length, 0);
    }

    // A process that died while it wrote left a part of a line, of which nobody was told that it is recorded.
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
