using System.Text.Encodings.Web;

namespace Gatehouse.LogSink.Console.Access;

/// <summary>A page for those who are not signed in: a title, a sentence, nothing of the record.</summary>
internal static class PlainPage
{
    /// <param name="context">Whose answer it is.</param>
    /// <param name="status">HTTP status.</param>
    /// <param name="title">Text.</param>
    /// <param name="sentence">Text.</param>
    /// <param name="next">Where the browser goes on by itself; null to stay.</param>
    public static Task WriteAsync(HttpContext context, int status, string title, string sentence, string? next = null)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/html; charset=utf-8";
        var encode = HtmlEncoder.Default;
        return context.Response.WriteAsync(
            $$"""
            <!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><link rel="icon" href="data:,"><title>{{encode.Encode(title)}}</title>
            {{(next is null ? "" : $"<meta http-equiv=\"refresh\" content=\"0;url={encode.Encode(next)}\">")}}
            <style>:root{color-scheme:light dark;color:light-dark(#242424,#fff);background:light-dark(#fafafa,#1f1f1f)}body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:15vh auto;padding:0 1rem}a{color:light-dark(#115ea3,#6cb8f6)}</style></head>
            <body><main><h1>{{encode.Encode(title)}}</h1><p>{{encode.Encode(sentence)}}</p>{{(next is null ? "" : $"<p><a href=\"{encode.Encode(next)}\">Open the console</a></p>")}}</main></body></html>
            """, context.RequestAborted);
    }
}
