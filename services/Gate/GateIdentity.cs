using Gatehouse.Policy.Events;

namespace Gatehouse.Gate;

/// <param name="Name"><c>dns</c>, <c>egress</c> or <c>secrets</c>: its socket, spool and log name.</param>
/// <param name="Boundary">What its events are recorded under.</param>
internal sealed record GateIdentity(string Name, Boundary Boundary);
