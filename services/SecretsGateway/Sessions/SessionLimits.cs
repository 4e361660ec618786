using Gatehouse.Gate.Kestrel;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Gatehouse.SecretsGateway.Sessions;

/// <summary>How Kestrel treats the agent's requests.</summary>
internal static class SessionLimits
{
    public static void Apply(WebHostBuilderContext context, KestrelServerOptions kestrel)
    {
        kestrel.Limits.MaxRequestBodySize = 64L * 1024 * 1024; // a model's context with images
        kestrel.Limits.MaxRequestHeadersTotalSize = 32 * 1024;
        kestrel.ListenForSessions(SecretsGate.EndPoint, context.Configuration);
    }

    public static bool IsFromSession(HttpContext context) => context.Features.Get<ISessionFeature>() is not null;
}
