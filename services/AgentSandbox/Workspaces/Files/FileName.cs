using System.Text;

namespace Gatehouse.AgentSandbox.Workspaces.Files;

/// <summary>One component of a path: any bytes but NUL and slash, never <c>.</c> or <c>..</c>.</summary>
internal readonly struct FileName : IEquatable<FileName>
{
    /// <summary>NAME_MAX of Linux.</summary>
    public const int MaxLength = 255;

    private readonly byte[] _terminated;

    private FileName(byte[] terminated) => _terminated = terminated;

    public ReadOnlySpan<byte> Bytes => _terminated.AsSpan(0, _terminated.Length - 1);

    /// <summary>The bytes and a NUL, as system calls take them.</summary>
    public ReadOnlySpan<byte> Terminated => _terminated;

    /// <param name="text">A name of ours.</param>
    public static FileName Of(string text) => Of(Encoding.UTF8.GetBytes(text));

    /// <exception cref="ArgumentException">It is not one component.</exception>
    public static FileName Of(ReadOnlySpan<byte> bytes)
    {
        if (!IsValid(bytes))
            throw new ArgumentException($"'{SafeText.Escape(bytes)}' is not the name of a file", nameof(bytes));
        var terminated = new byte[bytes.Length + 1];
        bytes.CopyTo(terminated);
        return new(terminated);
    }

    public static bool IsValid(ReadOnlySpan<byte> bytes) =>
        bytes.Length is > 0 and <= MaxLength && !bytes.ContainsAny((byte)0, (byte)'/') && !bytes.SequenceEqual("."u8) && !bytes.SequenceEqual(".."u8);

    /// <summary>Equal but for the case of ASCII letters, which some file systems ignore.</summary>
    public bool Is(string ascii) => Ascii.EqualsIgnoreCase(Bytes, ascii);

    public bool Equals(FileName other) => Bytes.SequenceEqual(other.Bytes);

    public override bool Equals(object? obj) => obj is FileName other && Equals(other);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.AddBytes(Bytes);
        return hash.ToHashCode();
    }

    /// <summary>Safe to print.</summary>
    public override string ToString() => SafeText.Escape(Bytes);
}
