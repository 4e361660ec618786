namespace Gatehouse.EgressProxy.Tunnel;

/// <param name="Sent">Bytes from the agent outward.</param>
/// <param name="Received">Bytes to the agent.</param>
internal readonly record struct TunnelEnd(long Sent, long Received, TunnelOutcome Outcome);

/// <summary>How a tunnel ended, and through whom.</summary>
internal enum TunnelOutcome
{
    /// <summary>Both sides said that they were done.</summary>
    Completed,

    /// <summary>The agent's side broke off.</summary>
    ClientFailed,

    /// <summary>The origin's side broke off.</summary>
    UpstreamFailed,

    /// <summary>Nobody said anything for too long.</summary>
    Idle,

    /// <summary>The lease is gone.</summary>
    SessionEnded,
}
