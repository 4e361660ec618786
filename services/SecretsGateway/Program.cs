using System.Diagnostics;
using Gatehouse.Gate;
using Gatehouse.Gate.Kestrel;
using Gatehouse.Policy.Events;
using Gatehouse.SecretsGateway;
using Gatehouse.SecretsGateway.Forwarding;
using Gatehouse.SecretsGateway.Sessions;
using Gatehouse.ServiceDefaults;
using Microsoft.Extensions.Options;

var builder = Defaults.CreateBuilder(args);
builder.AddServiceDefaults();
builder.AddGate<SecretsGate>("secrets", Boundary.Secrets);
builder.Services.AddOptions<GatewayOptions>().BindConfiguration(GatewayOptions.Section).ValidateOnStart();
builder.Services.AddSingleton<IValidateOptions<GatewayOptions>, GatewayOptions.Validation>();
builder.Services.AddSingleton(services => (SecretsGate)services.GetRequiredService<IGate>());
builder.Services.AddSingleton<DistributedContextPropagator, NoRemoteTrace>();
builder.Services.AddSingleton<CallEndpoint>();
builder.Services.AddSingleton<CallForwarder>();
builder.Services.AddHttpForwarder();
// It logs exceptions that quote a malformed answer, which may echo the credential; failures are in the record.
builder.Logging.AddFilter("Yarp.ReverseProxy.Forwarder", LogLevel.None);
builder.Services.AddHostedService<MalformedRequests>();
builder.WebHost.UseSessionConnections();
builder.WebHost.ConfigureKestrel(SessionLimits.Apply);

var app = builder.Build();
app.RunSessions(app.Services.GetRequiredService<CallEndpoint>().InvokeAsync);
app.MapDefaultEndpoints();
await app.RunAsync();
