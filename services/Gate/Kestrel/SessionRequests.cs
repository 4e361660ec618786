using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Gatehouse.Gate.Kestrel;

/// <summary>Where the requests of enclosures part from those of the host.</summary>
public static class SessionRequests
{
    /// <summary>Gives requests from sessions to <paramref name="handler"/>: they never meet the service's own endpoints, nor the other way round.</summary>
    public static void RunSessions(this IApplicationBuilder app, RequestDelegate handler) => app.UseWhen(
        context => context.Features.Get<ISessionFeature>() is not null,
        branch => branch.Run(context =>
        {
            // The decision is a span under its session's trace. ASP.NET's own, and those of the call that is forwarded, would each be a trace beside it:
            // with as many as it likes, an agent would push all others out of whatever keeps them.
            if (Activity.Current is { } own)
            {
                own.ActivityTraceFlags &= ~ActivityTraceFlags.Recorded;
                own.IsAllDataRequested = false;
            }

            return handler(context);
        }));
}
