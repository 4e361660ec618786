using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;

namespace Gatehouse.AgentSandbox.Workspaces.Files;

/// <summary>
/// A path below a workspace's root, as bytes: on Linux a name need not be text. Never absolute, never with <c>.</c>, <c>..</c> or an empty component;
/// the root itself is the empty path.
/// </summary>
[JsonConverter(typeof(RelativePathJson))]
internal sealed class RelativePath : IEquatable<RelativePath>, IComparable<RelativePath>
{
    private readonly byte[] _bytes;

    private RelativePath(byte[] bytes, int depth)
    {
        _bytes = bytes;
        Depth = depth;
    }

    public static RelativePath Root { get; } = new([], 0);

    /// <summary>Components; 0 for the root.</summary>
    public int Depth { get; }

    public bool IsRoot => Depth == 0;

    public ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>The last component. Not for the root.</summary>
    public FileName Name => FileName.Of(_bytes.AsSpan(_bytes.AsSpan().LastIndexOf((byte)'/') + 1));

    /// <summary>Null for the root.</summary>
    public RelativePath? Parent => Depth switch
    {
        0 => null,
        1 => Root,
        _ => new(_bytes[.._bytes.AsSpan().LastIndexOf((byte)'/')], Depth - 1),
    };

    public RelativePath Add(FileName name)
    {
        var bytes = new byte[_bytes.Length + (IsRoot ? 0 : 1) + name.Bytes.Length];
        _bytes.CopyTo(bytes, 0);
        if (!IsRoot)
            bytes[_bytes.Length] = (byte)'/';
        name.Bytes.CopyTo(bytes.AsSpan(bytes.Length - name.Bytes.Length));
        return new(bytes, Depth + 1);
    }

    public IEnumerable<FileName> Components()
    {
        var start = 0;
        while (start < _bytes.Length)
        {
            var length = _bytes.AsSpan(start).IndexOf((byte)'/');
            var end = length < 0 ? _bytes.Length : start + length;
            yield return FileName.Of(_bytes.AsSpan(start, end - start));
            start = end + 1;
        }
    }

    /// <summary>Proper ancestors, nearest first, without the root.</summary>
    public IEnumerable<RelativePath> Ancestors()
    {
        for (var each = Parent; each is { IsRoot: false }; each = each.Parent)
            yield return each;
    }

    /// <summary>Whether this is <paramref name="other"/> or below it.</summary>
    public bool IsWithin(RelativePath other) =>
        other.IsRoot || (Bytes.StartsWith(other.Bytes) && (_bytes.Length == other._bytes.Length || _bytes[other._bytes.Length] == '/'));

    /// <summary>From bytes as git and the kernel write them.</summary>
    public static bool TryCreate(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out RelativePath? path)
    {
        path = null;
        if (bytes.IsEmpty)
            return false;
        var depth = 0;
        foreach (var component in bytes.Split((byte)'/'))
        {
            if (!FileName.IsValid(bytes[component]))
                return false;
            depth++;
        }

        path = new(bytes.ToArray(), depth);
        return true;
    }

    /// <summary>From text as <see cref="ToString"/> shows it and people type it: <c>./</c> in front and a slash at the end may be there.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out RelativePath? path)
    {
        path = null;
        if (!SafeText.TryUnescape(text, out var bytes))
            return false;
        ReadOnlySpan<byte> rest = bytes;
        while (rest.StartsWith("./"u8))
            rest = rest[2..].TrimStart((byte)'/');
        if (!rest.StartsWith("/"u8))
            rest = rest.TrimEnd((byte)'/');
        if (rest.SequenceEqual("."u8) || (rest.IsEmpty && bytes.Length > 0))
        {
            path = Root;
            return true;
        }

        return TryCreate(rest, out path);
    }

    /// <summary>For paths of ours.</summary>
    public static RelativePath Of(string text) => TryParse(text, out var path) ? path : throw new ArgumentException($"'{text}' is not a path below a folder", nameof(text));

    /// <summary>By component, so that a folder comes right before what is in it.</summary>
    public int CompareTo(RelativePath? other)
    {
        if (other is null)
            return 1;
        ReadOnlySpan<byte> left = _bytes, right = other._bytes;
        var common = left.CommonPrefixLength(right);
        if (common == left.Length || common == right.Length)
            return left.Length.CompareTo(right.Length);
        return left[common] == '/' ? -1 : right[common] == '/' ? 1 : left[common].CompareTo(right[common]);
    }

    public bool Equals(RelativePath? other) => other is not null && Bytes.SequenceEqual(other.Bytes);

    public override bool Equals(object? obj) => Equals(obj as RelativePath);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.AddBytes(_bytes);
        return hash.ToHashCode();
    }

    /// <summary>Safe to print, and exact.</summary>
    public override string ToString() => IsRoot ? "." : SafeText.Escape(_bytes);
}
