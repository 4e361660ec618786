using System.Security.Cryptography;
using System.Text;
using Gatehouse.DemoOrigin;

// The internet of the demo, all on loopback: an HTTPS site under a CA of its own, and an API that wants a key.
var builder = WebApplication.CreateSlimBuilder(args);
var siteFile = builder.Configuration["Demo:CaFile"] ?? "ca.pem";
var key = builder.Configuration["Demo:ApiKey"] is { Length: > 0 } given ? given : throw new InvalidOperationException("Demo:ApiKey is not set");
var (site, api) = (builder.Configuration.GetValue("Demo:SitePort", 28443), builder.Configuration.GetValue("Demo:ApiPort", 28080));
var certificate = DemoCertificates.Create(siteFile, "allowed.demo.test", "blocked.demo.test");
builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
{
    kestrel.ListenLocalhost(site, listen => listen.UseHttps(certificate));
    kestrel.ListenLocalhost(api);
    if (Uri.TryCreate(builder.Configuration["urls"], UriKind.Absolute, out var own))
        kestrel.ListenLocalhost(own.Port);
});

var app = builder.Build();
app.MapGet("/", () => "Hello from the demo's internet.\n");
app.MapPost("/upload", async (HttpRequest request) =>
{
    using var body = new MemoryStream();
    await request.Body.CopyToAsync(body);
    return $"{body.Length} bytes\n";
});
app.MapGet("/v1/whoami", (HttpRequest request) => HasKey(request) ? Results.Text("{\"authenticated\":true}\n", "application/json") : Results.Unauthorized());
app.MapPost("/v1/messages", (HttpRequest request) => HasKey(request) ? Results.Text("{\"content\":[{\"type\":\"text\",\"text\":\"pong\"}]}\n", "application/json") : Results.Unauthorized());
app.MapGet("/health", () => "ok");
await app.RunAsync();

bool HasKey(HttpRequest request) => CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(request.Headers["x-api-key"].ToString()), Encoding.UTF8.GetBytes(key));
