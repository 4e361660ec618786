using System.IO.Compression;

namespace Gatehouse.LogSink.Otlp;

/// <summary>Requests of exporters: bounded, before and after decompression.</summary>
internal static class OtlpBody
{
    /// <summary>In bytes: the default of gRPC servers, and so of what exporters keep to.</summary>
    public const int Most = 4 << 20;

    /// <summary>In bytes: most requests are smaller.</summary>
    private const int First = 64 * 1024;

    /// <param name="body">Of the request.</param>
    /// <param name="length">What its header says, if anything.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Null when it is longer than <see cref="Most"/>.</returns>
    public static async Task<ReadOnlyMemory<byte>?> ReadAsync(Stream body, long? length, CancellationToken cancellationToken)
    {
        if (length > Most)
            return null;
        // It grows with what comes, whatever length was promised. One more than there should be shows that there is more.
        var bytes = new byte[Math.Min(length ?? First, First) + 1];
        for (var read = 0; ; Array.Resize(ref bytes, Math.Min(2 * bytes.Length, Most + 1)))
        {
            read += await body.ReadAtLeastAsync(bytes.AsMemory(read), bytes.Length - read, throwOnEndOfStream: false, cancellationToken);
            if (read < bytes.Length)
                return bytes.AsMemory(0, read);
            if (read > Most)
                return null;
        }
    }

    /// <param name="compressed">gzip (RFC 1952).</param>
    /// <param name="inflated">Null when it is longer than <see cref="Most"/>.</param>
    /// <returns>False when it is no gzip.</returns>
    public static bool TryInflate(ReadOnlyMemory<byte> compressed, out ReadOnlyMemory<byte>? inflated)
    {
        inflated = null;
        try
        {
            using var source = new MemoryStream(compressed.ToArray());
            using var gzip = new GZipStream(source, CompressionMode.Decompress);
            using var to = new MemoryStream();
            var block = new byte[64 * 1024];
            while (gzip.Read(block) is > 0 and var read)
            {
                if (to.Length + read > Most)
                    return true;
                to.Write(block, 0, read);
            }

            inflated = to.GetBuffer().AsMemory(0, (int)to.Length);
            return true;
        }
        catch (InvalidDataException)
        {
            return false;
        }
    }
}
