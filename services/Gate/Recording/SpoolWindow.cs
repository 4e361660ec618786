using Gatehouse.Gate.Native;
using Microsoft.Win32.SafeHandles;

namespace Gatehouse.Gate.Recording;

/// <summary>
/// A part of the spool file as memory: a line is in the page cache as soon as it is copied, without a system call, during which whoever comes next would have to
/// wait; on a busy machine that is where a gate's time went. The blocks are allocated before (fallocate(2)), so that a full disk is an error of this, not a SIGBUS in the copy.
/// </summary>
internal sealed unsafe class SpoolWindow : IDisposable
{
    /// <summary>Bytes: what a busy gate gathers between two requests, so that the file is used over and over.</summary>
    private const int Size = 512 * 1024;

    /// <summary>Where a mapping may begin: the largest page there is (arm64).</summary>
    private const int Page = 64 * 1024;

    private readonly long _start;
    private readonly int _size;
    private byte* _memory;

    private SpoolWindow(long start, int size, byte* memory)
    {
        (_start, _size) = (start, size);
        _memory = memory;
    }

    /// <summary>Where blocks that are allocated stay so. Elsewhere (btrfs, ZFS: copy on write; NFS) a store into memory may find the disk full.</summary>
    public static bool IsPossible(string folder)
    {
        try
        {
            return new DriveInfo(folder).DriveFormat is "ext2" or "ext3" or "ext4" or "xfs" or "tmpfs";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return false;
        }
    }

    /// <summary>Makes room in the file for so many bytes at <paramref name="at"/> and more, and maps it. The file is longer then, by zeros.</summary>
    /// <returns>Null when there is no room for that, or the file system does not do it.</returns>
    public static SpoolWindow? TryOpen(SafeFileHandle file, long at, int length)
    {
        var start = at / Page * Page;
        var size = (int)(at - start) + Math.Max(length, Size);
        size = (size + Page - 1) / Page * Page;
        if (Libc.fallocate(file, 0, start, size) != 0)
            return null;
        var memory = Libc.mmap(0, (nuint)size, Libc.PROT_READ | Libc.PROT_WRITE, Libc.MAP_SHARED, file, start);
        return memory == -1 ? null : new(start, size, (byte*)memory);
    }

    /// <returns>False when it is not wholly inside.</returns>
    public bool TryWrite(long at, ReadOnlySpan<byte> bytes)
    {
        if (_memory == null || at < _start || at - _start > _size - bytes.Length)
            return false;
        fixed (byte* from = bytes)
            _ = Libc.memcpy(_memory + (at - _start), from, (nuint)bytes.Length);
        return true;
    }

    /// <summary>Makes a file that begins with this window empty.</summary>
    /// <param name="length">Of what is in it.</param>
    /// <returns>False when it does not, or there is more than is in the window.</returns>
    public bool TryClear(long length)
    {
        if (_memory == null || _start != 0 || length > _size)
            return false;
        // From the end on: who dies meanwhile leaves whole lines from the beginning, which the sink knows already, and at most one that is none.
        for (var end = (int)length; end > 0;)
        {
            var from = Math.Max(0, end - 4096);
            _ = Libc.memset(_memory + from, 0, (nuint)(end - from));
            end = from;
        }
        return true;
    }

    public void Dispose()
    {
        if (_memory != null)
            _ = Libc.munmap((nint)_memory, (nuint)_size);
        _memory = null;
    }
}
