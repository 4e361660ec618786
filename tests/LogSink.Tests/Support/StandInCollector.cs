using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Gatehouse.LogSink.Otlp;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace Gatehouse.LogSink.Tests.Support;

/// <summary>A collector of OTLP logs on ports of its own: HTTP/1.1, and HTTP/2 without TLS for gRPC.</summary>
internal sealed class StandInCollector : IAsyncDisposable
{
    private readonly WebApplication _app;

    private StandInCollector(WebApplication app) => _app = app;

    /// <summary>The log records, as attribute name → value, in order.</summary>
    public ConcurrentQueue<Dictionary<string, string>> Records { get; } = new();

    public ConcurrentQueue<string> Requests { get; } = new();

    /// <summary>Answers in place of keeping: true when it did.</summary>
    public Func<HttpContext, byte[], Task<bool>> Instead { get; set; } = (_, _) => Task.FromResult(false);

    public string Http => _app.Urls.First();

    public string Grpc => _app.Urls.Last().Replace("http://", "grpc://", StringComparison.Ordinal);

    public static async Task<StandInCollector> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, 0, http => http.Protocols = HttpProtocols.Http1);
            kestrel.Listen(IPAddress.Loopback, 0, grpc => grpc.Protocols = HttpProtocols.Http2);
        });
        var app = builder.Build();
        var collector = new StandInCollector(app);
        app.Run(collector.HandleAsync);
        await app.StartAsync();
        return collector;
    }

    private async Task HandleAsync(HttpContext context)
    {
        using var memory = new MemoryStream();
        await context.Request.Body.CopyToAsync(memory);
        var body = memory.ToArray();
        Requests.Enqueue($"{context.Request.Protocol} {context.Request.Path} {context.Request.ContentType} {context.Request.Headers.Authorization}");
        if (await Instead(context, body))
            return;
        var grpc = context.Request.ContentType == "application/grpc";
        foreach (var record in Read(grpc ? body.AsSpan(5) : body))
            Records.Enqueue(record);
        await AnswerAsync(context, [], "0");
    }

    public static async Task AnswerAsync(HttpContext context, byte[] message, string grpcStatus)
    {
        if (context.Request.ContentType != "application/grpc")
        {
            await context.Response.Body.WriteAsync(message);
            return;
        }

        context.Response.ContentType = "application/grpc";
        await context.Response.Body.WriteAsync((byte[])[0, 0, 0, 0, (byte)message.Length, .. message]);
        context.Response.AppendTrailer("grpc-status", grpcStatus);
    }

    public static List<Dictionary<string, string>> Read(ReadOnlySpan<byte> request)
    {
        var records = new List<Dictionary<string, string>>();
        var resourceLogs = new ProtoReader(Only(request, 1));
        while (resourceLogs.TryReadField())
        {
            if (resourceLogs.Field != 2)
                continue;
            var scopeLogs = new ProtoReader(resourceLogs.Bytes);
            while (scopeLogs.TryReadField())
            {
                if (scopeLogs.Field == 2)
                    records.Add(ReadRecord(scopeLogs.Bytes));
            }
        }

        return records;
    }

    private static Dictionary<string, string> ReadRecord(ReadOnlySpan<byte> bytes)
    {
        var record = new Dictionary<string, string>();
        var fields = new ProtoReader(bytes);
        while (fields.TryReadField())
        {
            if (fields.Field == 5)
                record["body"] = Encoding.UTF8.GetString(Only(fields.Bytes, 1));
            else if (fields.Field == 6)
                record[Encoding.UTF8.GetString(Only(fields.Bytes, 1))] = Any(Only(fields.Bytes, 2));
            else if (fields.Field == 9)
                record["trace"] = Convert.ToHexStringLower(fields.Bytes);
            else if (fields.Field == 2)
                record["severity"] = fields.Value.ToString(System.Globalization.CultureInfo.InvariantCulture);
        }

        Assert.False(fields.IsMalformed);
        return record;
    }

    private static string Any(ReadOnlySpan<byte> bytes)
    {
        var fields = new ProtoReader(bytes);
        Assert.True(fields.TryReadField());
        return fields.Field switch
        {
            1 => fields.Text,
            4 => BitConverter.UInt64BitsToDouble(fields.Value).ToString(System.Globalization.CultureInfo.InvariantCulture),
            _ => fields.Value.ToString(System.Globalization.CultureInfo.InvariantCulture),
        };
    }

    private static ReadOnlySpan<byte> Only(ReadOnlySpan<byte> message, int field)
    {
        var fields = new ProtoReader(message);
        while (fields.TryReadField())
        {
            if (fields.Field == field)
                return fields.Bytes;
        }

        return default;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }
}
