using Microsoft.AspNetCore.Http;

namespace Gatehouse.Topology.Tests;

/// <summary>A model that always says the same, in the events that Anthropic's API streams.</summary>
internal static class StandInModel
{
    public const string Says = "pong from the stand-in";

    public static async Task AnswerAsync(HttpContext context)
    {
        context.Response.ContentType = "text/event-stream";
        foreach (var (name, data) in new[]
        {
            ("message_start", """{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-stand-in","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}}"""),
            ("content_block_start", """{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"""),
            ("content_block_delta", $$$"""{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"{{{Says}}}"}}"""),
            ("content_block_stop", """{"type":"content_block_stop","index":0}"""),
            ("message_delta", """{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":4}}"""),
            ("message_stop", """{"type":"message_stop"}"""),
        })
        {
            await context.Response.WriteAsync($"event: {name}\ndata: {data}\n\n");
            await context.Response.Body.FlushAsync();
        }
    }
}
