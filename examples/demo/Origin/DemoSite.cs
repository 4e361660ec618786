namespace Gatehouse.DemoOrigin;

/// <summary>What allowed.demo.test and blocked.demo.test serve.</summary>
internal static class DemoSite
{
    public static void MapSite(this WebApplication app, int port)
    {
        var site = app.MapGroup("").RequireHost($"*:{port}", "*.demo.test");
        site.MapGet("/", (HttpRequest request) => $"Hello from {request.Host.Host}, in the demo's internet.\n");
        site.MapPost("/upload", async (HttpRequest request) => $"{await CountAsync(request.Body, request.HttpContext.RequestAborted)} bytes\n");
    }

    private static async Task<long> CountAsync(Stream body, CancellationToken cancellationToken)
    {
        var buffer = new byte[64 * 1024];
        var count = 0L;
        for (int read; (read = await body.ReadAsync(buffer, cancellationToken)) > 0;)
            count += read;
        return count;
    }
}
