using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Gatehouse.LogSink.Chain;

/// <summary>
/// The chain's end, kept beside the database and written after each commit, so that records removed from the end are missed. Two lines of
/// fixed length are overwritten in turn: one torn by a crash leaves the other.
/// <code>
/// 00000000000000000042 6f1c…64 digits…09 3b1d…16 digits…
/// </code>
/// Sequence, hash, and the beginning of the SHA-256 of what stands before it. The open file is also the lock that keeps a second sink out.
/// </summary>
internal sealed class HeadFile : IDisposable
{
    private const int SequenceDigits = 20;
    private const int SumDigits = 16;
    private const int SummedLength = SequenceDigits + 1 + (2 * ChainHead.HashLength);
    private const int LineLength = SummedLength + 1 + SumDigits + 1;
    private const int Lines = 2;

    private readonly FileStream _file;
    private int _next;

    private HeadFile(FileStream file) => _file = file;

    /// <summary>The file that belongs to a database.</summary>
    public static string PathFor(string database) => database + ".head";

    /// <exception cref="Store.StoreUnusableException">Another process has it open.</exception>
    public static HeadFile Open(string path)
    {
        try
        {
            return new(new FileStream(path, new FileStreamOptions
            {
                Mode = FileMode.OpenOrCreate,
                Access = FileAccess.ReadWrite,
                Share = FileShare.None,
                BufferSize = 0,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            }));
        }
        catch (IOException e) when (File.Exists(path))
        {
            throw new Store.StoreUnusableException($"{path} is in use ({e.Message}): is another log sink running? See 'gatehouse status'");
        }
    }

    /// <summary>The newer of the two lines, or null when neither is whole: a new, cut or foreign file.</summary>
    public ChainHead? Read()
    {
        ChainHead? newest = null;
        for (var line = 0; line < Lines; line++)
        {
            if (ReadLine(line) is not { } head || head.Sequence < newest?.Sequence)
                continue;
            newest = head;
            _next = 1 - line;
        }

        return newest;
    }

    /// <summary>Returns when it is on the disk.</summary>
    public void Write(ChainHead head)
    {
        var summed = string.Create(CultureInfo.InvariantCulture, $"{head.Sequence:D20} {Convert.ToHexStringLower(head.Hash)}");
        RandomAccess.Write(_file.SafeFileHandle, Encoding.ASCII.GetBytes($"{summed} {Sum(summed)}\n"), _next * LineLength);
        RandomAccess.FlushToDisk(_file.SafeFileHandle);
        _next = 1 - _next;
    }

    private ChainHead? ReadLine(int line)
    {
        Span<byte> bytes = stackalloc byte[LineLength];
        if (RandomAccess.Read(_file.SafeFileHandle, bytes, line * LineLength) != LineLength)
            return null;
        var text = Encoding.ASCII.GetString(bytes);
        var summed = text[..SummedLength];
        return text[SummedLength..] == $" {Sum(summed)}\n"
            && long.TryParse(summed.AsSpan(0, SequenceDigits), NumberStyles.None, CultureInfo.InvariantCulture, out var sequence)
                ? new(sequence, Convert.FromHexString(summed.AsSpan(SequenceDigits + 1)))
                : null;
    }

    private static string Sum(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(text)))[..SumDigits];

    public void Dispose() => _file.Dispose();
}
