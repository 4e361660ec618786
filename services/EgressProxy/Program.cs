using Gatehouse.EgressProxy;
using Gatehouse.EgressProxy.Sessions;
using Gatehouse.Gate;
using Gatehouse.Policy.Events;
using Gatehouse.ServiceDefaults;

var builder = Defaults.CreateBuilder(args);
builder.AddServiceDefaults();
builder.AddGate<EgressGate>("egress", Boundary.Egress);
builder.AddEgress();

var app = builder.Build();
app.UseEgress();
app.MapDefaultEndpoints();
await app.RunAsync();
