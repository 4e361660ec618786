using System.Net;
using Gatehouse.DemoOrigin;

// The internet of the demo: an HTTPS site under a CA of its own, and an API that wants a key. All on loopback, where the API speaks plain HTTP; in a composition
// at an address that its network knows (Demo:Address), with TLS for both.
var builder = WebApplication.CreateSlimBuilder(args);
var settings = builder.Configuration.GetSection("Demo");
var key = settings["ApiKeyFile"] is { Length: > 0 } file ? File.ReadAllText(file).Trim() : settings["ApiKey"];
if (string.IsNullOrEmpty(key))
    throw new InvalidOperationException("Demo:ApiKey is not set: write the key that the API takes, Demo__ApiKey=… or Demo__ApiKeyFile=PATH");
var (site, api) = (settings.GetValue("SitePort", 28443), settings.GetValue("ApiPort", 28080));
var address = IPAddress.Parse(settings["Address"] ?? "127.0.0.1");
var certificate = DemoCertificates.Create(settings["CaFile"] ?? "ca.pem", address, "allowed.demo.test", "blocked.demo.test", "*.demo.test");
builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
{
    kestrel.Listen(address, site, listen => listen.UseHttps(certificate));
    kestrel.Listen(address, api, listen =>
    {
        if (!IPAddress.IsLoopback(address))
            listen.UseHttps(certificate);
    });
    // Endpoints in code replace those of ASPNETCORE_URLS, where whoever started this asks for its health.
    if (Uri.TryCreate(builder.Configuration["urls"], UriKind.Absolute, out var own) && own.Port != api)
        kestrel.Listen(IPAddress.Loopback, own.Port);
});

var app = builder.Build();
app.MapSite(site);
app.MapApi(api, key);
app.MapGet("/health", () => "Healthy");
await app.RunAsync();
