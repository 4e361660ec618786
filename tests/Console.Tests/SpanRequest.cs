using System.Net.Http.Headers;
using Gatehouse.LogSink.Otlp;

namespace Gatehouse.Console.Tests;

/// <summary>Spans as services export them: OTLP over HTTP.</summary>
internal static class SpanRequest
{
    public const string Trace = "0af7651916cd43dd8448eb211c80319c";

    public static async Task SendAsync(ConsoleSite site, string service, params IEnumerable<TestSpan> spans)
    {
        var request = new ProtoWriter();
        request.Message(1, spans, (resource, all) =>
        {
            resource.Message(1, service, static (attributes, name) => Pair(attributes, 1, "service.name", name));
            resource.Message(2, all, static (scope, all) =>
            {
                foreach (var span in all)
                    scope.Message(2, span, Write);
            });
        });
        using var content = new ByteArrayContent(request.Written.ToArray());
        content.Headers.ContentType = new MediaTypeHeaderValue("application/x-protobuf");
        using var response = await site.Client.PostAsync("/v1/traces", content);
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
    }

    private static void Write(ProtoWriter to, TestSpan span)
    {
        to.Bytes(1, Convert.FromHexString(Trace));
        to.Bytes(2, Convert.FromHexString(span.Id));
        if (span.Parent is not null)
            to.Bytes(4, Convert.FromHexString(span.Parent));
        to.Text(5, span.Name);
        var start = (ulong)(span.Start - DateTimeOffset.UnixEpoch).Ticks * 100;
        to.Time(7, start);
        to.Time(8, start + (ulong)(span.Milliseconds * 1_000_000));
        Pair(to, 9, "session.id", ConsoleSite.Session);
        if (span.Event is { } id)
            Pair(to, 9, "gatehouse.event.id", id.ToString());
        if (span.Error is not null)
        {
            to.Message(15, span.Error, static (status, message) =>
            {
                status.Text(2, message);
                status.Number(3, 2);
            });
        }
    }

    private static void Pair(ProtoWriter to, int field, string name, string value) => to.Message(field, (name, value), static (pair, each) =>
    {
        pair.Text(1, each.name);
        pair.Message(2, each.value, static (any, text) => any.Text(1, text));
    });
}

/// <param name="Id">16 hexadecimal digits.</param>
/// <param name="Parent">Likewise, or null.</param>
/// <param name="Name">What it is called.</param>
/// <param name="Start">When it began.</param>
/// <param name="Milliseconds">How long it lasted.</param>
/// <param name="Event">The record that it belongs to.</param>
/// <param name="Error">Why it failed, or null.</param>
internal sealed record TestSpan(string Id, string? Parent, string Name, DateTimeOffset Start, double Milliseconds, Guid? Event = null, string? Error = null);
