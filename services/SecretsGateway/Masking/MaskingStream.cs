using System.Buffers;
using Gatehouse.Gate.Kestrel;

namespace Gatehouse.SecretsGateway.Masking;

/// <summary>
/// Passes an answer's body on as it comes, with each byte of a credential in it replaced by another. Lengths stay as they are. It holds back only the end of a
/// piece, and only while the beginning of the credential stands there.
/// </summary>
internal sealed class MaskingStream(Stream inner, CredentialForms credential) : RelayStream
{
    // From the beginning of what is not decided; _sent bytes of it are with the agent already.
    private byte[] _buffer = [];
    private int _kept;
    private int _sent;
    private bool _isDisposed;

    /// <summary>How often the credential was there.</summary>
    public int Masked { get; private set; }

    public override bool CanWrite => true;

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        // The credential goes with it: nothing may pass that is not searched.
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        if (credential.IsEmpty)
        {
            await inner.WriteAsync(buffer, cancellationToken);
            return;
        }

        var text = Mask(_kept == 0 ? buffer : Buffered(buffer.Span), isEnd: false, out var tail);
        var passed = Math.Max(tail.Held, _sent);
        if (passed > _sent)
            await inner.WriteAsync(text[_sent..passed], cancellationToken);
        _kept = 0;
        _kept = Buffered(text.Span[tail.Start..]).Length;
        _sent = passed - tail.Start;
    }

    /// <summary>Passes on what was held back: nothing follows.</summary>
    public async ValueTask CompleteAsync(CancellationToken cancellationToken)
    {
        var text = Mask(_buffer.AsMemory(0, _kept), isEnd: true, out _);
        if (_kept > _sent)
            await inner.WriteAsync(text[_sent..], cancellationToken);
        _kept = _sent = 0;
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

    protected override void Dispose(bool disposing)
    {
        _isDisposed = true;
        Return(_buffer);
        (_buffer, _kept, _sent) = ([], 0, 0);
        base.Dispose(disposing);
    }

    private ReadOnlyMemory<byte> Mask(ReadOnlyMemory<byte> text, bool isEnd, out UndecidedTail tail)
    {
        for (var from = 0; credential.TryFind(text.Span, from, isEnd, out tail, out var found); from = found.Start + found.Length)
        {
            // The piece itself is not ours to write to.
            if (!text.Span.Overlaps(_buffer))
                text = Buffered(text.Span);
            Masked++;
            _buffer.AsSpan(found.Start, found.Length).Fill(found.Mask);
        }

        return text;
    }

    /// <summary>A text behind what is kept.</summary>
    private ReadOnlyMemory<byte> Buffered(ReadOnlySpan<byte> text)
    {
        var length = _kept + text.Length;
        var from = _buffer;
        if (length > from.Length)
        {
            _buffer = ArrayPool<byte>.Shared.Rent(length);
            from.AsSpan(0, _kept).CopyTo(_buffer);
        }

        text.CopyTo(_buffer.AsSpan(_kept));
        if (_buffer != from)
            Return(from);
        return _buffer.AsMemory(0, length);
    }

    private static void Return(byte[] buffer)
    {
        if (buffer.Length > 0)
            ArrayPool<byte>.Shared.Return(buffer, clearArray: true);
    }
}
