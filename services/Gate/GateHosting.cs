using Gatehouse.Policy.Events;
using Microsoft.Extensions.Hosting;

namespace Gatehouse.Gate;

/// <summary>What turns a web application into a gate.</summary>
public static class GateHosting
{
    /// <summary>
    /// Listens on <c>&lt;name&gt;.sock</c> in the run directory, takes sessions over, keeps their policies fresh, and records through
    /// <see cref="Recording.EventRecorder"/>. Sessions whose uid (SO_PEERCRED) is not this process's are refused.
    /// </summary>
    /// <param name="builder">The application.</param>
    /// <param name="name"><c>dns</c>, <c>egress</c> or <c>secrets</c>: socket name.</param>
    /// <param name="boundary">What this gate's events are recorded under.</param>
    public static IHostApplicationBuilder AddGate<TGate>(this IHostApplicationBuilder builder, string name, Boundary boundary)
        where TGate : class, IGate => throw new NotImplementedException();
}
