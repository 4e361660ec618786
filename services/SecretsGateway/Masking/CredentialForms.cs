using System.Buffers;
using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Numerics;
using System.Security.Cryptography;
using System.Text;

namespace Gatehouse.SecretsGateway.Masking;

/// <summary>
/// Every way in which an answer can show a credential that somebody echoes: as it is, escaped, in Base64 at any offset, in hexadecimal; and what it holds, when
/// it is Base64 itself, as those of RFC 7617 (Basic) are. Wiped when disposed.
/// </summary>
/// <remarks>
/// What an upstream transforms otherwise (reversed, encrypted, in a packed file, in pieces) is not found: that it has no such function is what the rules under
/// <c>allow:</c> are for.
/// </remarks>
internal sealed class CredentialForms : IDisposable
{
    /// <summary>In characters. A shorter one would be found by chance, and everything with it masked.</summary>
    public const int LeastLength = 8;

    private const int SpareLength = 4096, MostSpare = 64;

    // Wiped and used again: what is pinned is collected with the oldest generation.
    private static readonly ConcurrentQueue<byte[]> s_spare = new();

    private readonly List<Spelling> _spellings = [];
    private readonly bool _beginsLikeEscape;
    private Starts? _starts;

    // Pinned: the collector makes no copies that would outlive the wiping.
    private byte[] _all = [];
    private int _used;

    public CredentialForms(ReadOnlySpan<char> value)
    {
        if (value.Length < LeastLength)
            return;
        // Each of up to three: itself, twice as much in hexadecimal, three times four thirds and a padding.
        var length = (3 * ((7 * value.Length) + 16)) + value.Length;
        if (length > SpareLength || !s_spare.TryDequeue(out _all!))
            _all = GC.AllocateUninitializedArray<byte>(Math.Max(length, SpareLength), pinned: true);
        var bytes = Take(value.Length);
        Encoding.ASCII.GetBytes(value, bytes);
        AddDecoded(bytes);
        Add(bytes);
        _beginsLikeEscape = _spellings.Exists(spelling => spelling.BeginsLikeEscape);
        _starts = new();
        for (var number = 0; number < _spellings.Count; number++)
            _spellings[number].AddStarts(_starts, number);
    }

    /// <summary>Whether the credential is too short to be searched for.</summary>
    public bool IsEmpty => _spellings.Count == 0;

    /// <summary>Finds the next place that shows it.</summary>
    /// <param name="text">What there is.</param>
    /// <param name="from">Where to begin.</param>
    /// <param name="isEnd">Nothing follows the text.</param>
    /// <param name="tail">Set to what of the end may belong to a place that goes on in what follows.</param>
    /// <param name="found">The place.</param>
    public bool TryFind(ReadOnlySpan<byte> text, int from, bool isEnd, out UndecidedTail tail, out ShownCredential found)
    {
        tail = new(text.Length, text.Length);
        found = default;
        if (_starts is null)
            return false;
        for (var at = _starts.Next(text, from); at < text.Length; at = _starts.Next(text, at + 1))
        {
            if (IsOtherEscape(text[at..], _starts))
                continue;
            for (var numbers = _starts.At(text[at]); numbers != 0; numbers &= numbers - 1)
            {
                var spelling = _spellings[BitOperations.TrailingZeroCount(numbers)];
                switch (spelling.Match(text[at..], isEnd, out var length, out var matched))
                {
                    case SpellingMatch.Whole when length > found.Length:
                        found = new(at, length, spelling.Mask);
                        break;
                    case SpellingMatch.Begun:
                        tail = new(Math.Min(tail.Start, at), matched < UndecidedTail.LeastHeld ? tail.Held : Math.Min(tail.Held, at));
                        break;
                }
            }

            if (found.Length > 0)
                return true;
        }

        return false;
    }

    /// <summary>Whether a header field or message shows it.</summary>
    public bool IsIn(ReadOnlySpan<char> text)
    {
        if (IsEmpty)
            return false;
        var bytes = ArrayPool<byte>.Shared.Rent(text.Length);
        try
        {
            return TryFind(bytes.AsSpan(0, Encoding.Latin1.GetBytes(text, bytes)), 0, isEnd: true, out _, out _);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes, clearArray: true);
        }
    }

    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(_all);
        if (_all.Length == SpareLength && s_spare.Count < MostSpare)
            s_spare.Enqueue(_all);
        _starts?.Dispose();
        _spellings.Clear();
        (_all, _starts) = ([], null);
    }

    /// <summary>Whether an escape stands there, and for something else: of these there are many.</summary>
    private bool IsOtherEscape(ReadOnlySpan<byte> text, Starts starts) =>
        !_beginsLikeEscape && Escape.IsLead(text[0]) && Escape.Value(text) is not Escape.Incomplete and var value && (value > 127 || starts.At((byte)value) == 0);

    private Span<byte> Take(int length)
    {
        var taken = _all.AsSpan(_used, length);
        _used += length;
        return taken;
    }

    private void Add(ReadOnlySpan<byte> bytes)
    {
        Add(bytes, Writing.Plain);
        Add(bytes, Writing.Escaped);
        var digits = Take(2 * bytes.Length);
        Convert.TryToHexStringLower(bytes, digits, out _);
        Add(digits, Writing.Hex);
        for (var offset = 0; offset < 3; offset++)
            AddBase64(bytes, offset);
    }

    private void Add(ReadOnlySpan<byte> taken, Writing writing)
    {
        taken.Overlaps(_all, out var from);
        _spellings.Add(new(_all, -from, taken.Length, writing));
    }

    // What is the same whatever stands before and behind: the characters all of whose six bits are the credential's.
    private void AddBase64(ReadOnlySpan<byte> bytes, int offset)
    {
        var length = offset + bytes.Length;
        var encoded = Take((length + 2) / 3 * 4);
        encoded[..offset].Clear();
        bytes.CopyTo(encoded[offset..]);
        Base64.EncodeToUtf8InPlace(encoded, length, out _);
        Add(encoded[(((offset * 8) + 5) / 6)..(length * 8 / 6)], Writing.Base64);
    }

    // user:password, and the password by itself.
    private void AddDecoded(ReadOnlySpan<byte> bytes)
    {
        // Unpadded and of the other alphabet too.
        var text = Take((bytes.Length + 3) & ~3);
        text.Fill((byte)'=');
        bytes.CopyTo(text);
        text.Replace((byte)'-', (byte)'+');
        text.Replace((byte)'_', (byte)'/');
        if (Base64.DecodeFromUtf8InPlace(text, out var count) != OperationStatus.Done)
            return;
        var decoded = text[..count];
        if (count < LeastLength || decoded.ContainsAnyExceptInRange((byte)' ', (byte)'~'))
            return;
        Add(decoded);
        var password = decoded[(decoded.IndexOf((byte)':') + 1)..];
        if (password.Length >= LeastLength && password.Length < count)
            Add(password);
    }
}

/// <param name="Start">Index of the first byte.</param>
/// <param name="Length">In bytes.</param>
/// <param name="Mask">What to put there instead, for each byte.</param>
internal readonly record struct ShownCredential(int Start, int Length, byte Mask);

/// <summary>The end of a text in which a credential may have begun.</summary>
/// <param name="Start">From here on it is needed to go on with what follows.</param>
/// <param name="Held">From here on it must not be passed on yet: at least <see cref="LeastHeld"/> characters of it are there.</param>
internal readonly record struct UndecidedTail(int Start, int Held)
{
    /// <summary>
    /// Fewer are passed on at once, or every answer that ends with the first character would wait for what may never follow; they are public prefixes
    /// (<c>sk-</c>, <c>ghp</c>) or too little to be of use.
    /// </summary>
    public const int LeastHeld = 4;
}
