using System.IO.Compression;
using Gatehouse.LogSink.Otlp;

namespace Gatehouse.LogSink.Tests.Support;

internal static class SpanRequest
{
    /// <summary>An <c>ExportTraceServiceRequest</c> with so many spans of one trace.</summary>
    public static byte[] Of(int spans)
    {
        var request = new ProtoWriter();
        request.Message(1, spans, static (resource, count) => resource.Message(2, count, static (scope, count) =>
        {
            for (var i = 0; i < count; i++)
            {
                scope.Message(2, i, static (span, i) =>
                {
                    span.Bytes(1, Enumerable.Repeat((byte)7, 16).ToArray());
                    span.Bytes(2, Guid.NewGuid().ToByteArray().AsSpan(0, 8));
                    span.Text(5, "n");
                });
            }
        }));
        return request.Written.ToArray();
    }

    public static byte[] Zip(byte[] bytes)
    {
        using var to = new MemoryStream();
        using (var gzip = new GZipStream(to, CompressionLevel.Fastest))
            gzip.Write(bytes);
        return to.ToArray();
    }
}
