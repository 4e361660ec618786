using System.Net;
using Gatehouse.DemoOrigin;

// The internet of the demo, all on loopback: an HTTPS site under a CA of its own, and an API that wants a key.
var builder = WebApplication.CreateSlimBuilder(args);
var settings = builder.Configuration.GetSection("Demo");
var key = settings["ApiKey"] is { Length: > 0 } given
    ? given
    : throw new InvalidOperationException("Demo:ApiKey is not set: write the key that the API takes, Demo__ApiKey=…");
var (site, api) = (settings.GetValue("SitePort", 28443), settings.GetValue("ApiPort", 28080));
var certificate = DemoCertificates.Create(settings["CaFile"] ?? "ca.pem", "allowed.demo.test", "blocked.demo.test", "*.demo.test");
builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
{
    kestrel.Listen(IPAddress.Loopback, site, listen => listen.UseHttps(certificate));
    kestrel.Listen(IPAddress.Loopback, api);
    // Endpoints in code replace those of ASPNETCORE_URLS, where whoever started this asks for its health.
    if (Uri.TryCreate(builder.Configuration["urls"], UriKind.Absolute, out var own) && own.Port != api)
        kestrel.Listen(IPAddress.Loopback, own.Port);
});

var app = builder.Build();
app.MapSite(site);
app.MapApi(api, key);
app.MapGet("/health", () => "Healthy");
await app.RunAsync();
