using Gatehouse.Gate.Kestrel;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;

namespace Gatehouse.SecretsGateway.Sessions;

/// <summary>How Kestrel treats the agent's requests.</summary>
internal static class SessionLimits
{
    public static void Apply(WebHostBuilderContext context, KestrelServerOptions kestrel)
    {
        var options = kestrel.ApplicationServices.GetRequiredService<IOptions<GatewayOptions>>().Value;
        kestrel.ListenForSessions(SecretsGate.EndPoint, context.Configuration);
        kestrel.Limits.MaxRequestBodySize = options.MaxRequestBodyBytes;
        kestrel.Limits.MaxRequestHeadersTotalSize = options.MaxRequestHeadersBytes;
        kestrel.Limits.RequestHeadersTimeout = options.RequestHeadersTimeout;
        kestrel.Limits.KeepAliveTimeout = options.KeepAliveTimeout;
    }
}
