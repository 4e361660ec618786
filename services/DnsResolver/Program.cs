using Gatehouse.DnsResolver.Sessions;
using Gatehouse.DnsResolver.Upstream;
using Gatehouse.Gate;
using Gatehouse.Policy.Events;
using Gatehouse.ServiceDefaults;
using Microsoft.Extensions.Options;

var builder = Defaults.CreateBuilder(args);
builder.AddServiceDefaults();
builder.AddGate<DnsGate>("dns", Boundary.Dns);
builder.Services.AddSingleton(services => (DnsGate)services.GetRequiredService<IGate>());
builder.Services.AddSingleton<UpstreamResolver>();
builder.Services.AddOptions<ResolverOptions>().BindConfiguration("DnsResolver").ValidateOnStart();
builder.Services.AddSingleton<IValidateOptions<ResolverOptions>, ResolverOptions.Validation>();
builder.Services.ConfigureHttpJsonOptions(options => options.SerializerOptions.TypeInfoResolverChain.Insert(0, ResolverJson.Default));

var app = builder.Build();
app.MapDefaultEndpoints();
app.MapGateEndpoints();
await app.RunAsync();
