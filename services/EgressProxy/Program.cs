using Gatehouse.EgressProxy;
using Gatehouse.EgressProxy.Decisions;
using Gatehouse.EgressProxy.Doors;
using Gatehouse.EgressProxy.Forwarding;
using Gatehouse.EgressProxy.Http;
using Gatehouse.EgressProxy.Sessions;
using Gatehouse.EgressProxy.Tunnel;
using Gatehouse.EgressProxy.Upstream;
using Gatehouse.Gate;
using Gatehouse.Gate.Kestrel;
using Gatehouse.Policy.Events;
using Gatehouse.ServiceDefaults;
using Microsoft.Extensions.Options;

var builder = Defaults.CreateBuilder(args);
builder.AddServiceDefaults();
builder.AddGate<EgressGate>("egress", Boundary.Egress);
builder.Services.AddOptions<EgressOptions>().BindConfiguration(EgressOptions.Section).ValidateOnStart();
builder.Services.AddSingleton<IValidateOptions<EgressOptions>, EgressOptionsValidation>();
builder.Services.AddHttpForwarder();
builder.Services.AddHttpClient<ResolverClient>(client => client.BaseAddress = new("http://dns-resolver"))
    .ConfigureHttpClient((services, client) => client.DefaultRequestHeaders.Authorization = new("Bearer", services.GetRequiredService<IConfiguration>()["Gatehouse:Token"]));
builder.Services.AddSingleton<GateAddresses>().AddSingleton<Dialler>().AddSingleton<Checkpoint>();
builder.Services.AddSingleton<ProxyDoor>().AddSingleton<TransparentDoor>().AddSingleton<HttpHandover>().AddSingleton<Tunnels>().AddSingleton<ForwardEndpoint>();
builder.WebHost.UseSessionConnections();
builder.WebHost.ConfigureKestrel((context, kestrel) =>
{
    kestrel.Limits.MaxRequestBodySize = null; // streamed, not held
    kestrel.Limits.MaxRequestHeadersTotalSize = RequestHeadReader.MaxLength;
    kestrel.ListenForSessions(HttpHandover.EndPoint, context.Configuration);
});

var app = builder.Build();
// A request from an enclosure never meets the service's own endpoints, nor the other way round.
app.UseWhen(context => context.Features.Get<ISessionFeature>() is not null, branch => branch.Run(branch.ApplicationServices.GetRequiredService<ForwardEndpoint>().InvokeAsync));
app.MapDefaultEndpoints();
await app.RunAsync();
