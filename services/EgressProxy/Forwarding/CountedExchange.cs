using Gatehouse.Gate.Kestrel;
using Microsoft.AspNetCore.Http.Features;

namespace Gatehouse.EgressProxy.Forwarding;

/// <summary>A request's bytes, counted: its bodies, or both directions of what it was upgraded to (WebSocket).</summary>
internal sealed class CountedExchange : IHttpUpgradeFeature
{
    private readonly CountingStream _request;
    private readonly CountingStream _response;
    private readonly IHttpUpgradeFeature? _inner;
    private DuplexCount? _upgraded;

    public CountedExchange(HttpContext context)
    {
        context.Request.Body = _request = new CountingStream(context.Request.Body);
        context.Response.Body = _response = new CountingStream(context.Response.Body);
        _inner = context.Features.Get<IHttpUpgradeFeature>();
        if (IsUpgradableRequest)
            context.Features.Set<IHttpUpgradeFeature>(this);
    }

    public long Sent => _request.Count + (_upgraded?.Reads.Count ?? 0);

    public long Received => _response.Count + (_upgraded?.Writes.Count ?? 0);

    public bool IsUpgradableRequest => _inner is { IsUpgradableRequest: true };

    public async Task<Stream> UpgradeAsync() => _upgraded = new DuplexCount(await _inner!.UpgradeAsync());

    private sealed class DuplexCount(Stream inner) : Stream
    {
        public CountingStream Reads { get; } = new(inner);

        public CountingStream Writes { get; } = new(inner);

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            Reads.ReadAsync(buffer, cancellationToken);

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
            Writes.WriteAsync(buffer, cancellationToken);

        public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

        public override async ValueTask DisposeAsync()
        {
            await inner.DisposeAsync();
            await base.DisposeAsync(); // Does nothing; said for the analyzer.
        }

        public override int ReadByte() => throw new NotSupportedException("only asynchronously");

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("only asynchronously");

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("only asynchronously");

        public override void Flush() => throw new NotSupportedException("only asynchronously");

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
