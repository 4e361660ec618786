using Gatehouse.Gate;
using Gatehouse.SecretsGateway.Forwarding;

namespace Gatehouse.SecretsGateway.Sessions;

/// <summary>What the gateway keeps for one session, and shares with no other.</summary>
internal sealed class SessionState(GateSession session, GatewayOptions options) : IDisposable
{
    private readonly Lock _lock = new();
    private string _lastProblem = "";

    public GateSession Session => session;

    public UpstreamClients Clients { get; } = new(session, options);

    public SemaphoreSlim Requests { get; } = new(options.MaxConcurrentRequests);

    /// <summary>Whether a problem with a credential is another than the last: an agent that tries again must not fill the log.</summary>
    public bool IsNews(string problem)
    {
        lock (_lock)
        {
            var news = problem != _lastProblem;
            _lastProblem = problem;
            return news;
        }
    }

    public void Dispose() => Clients.Dispose();
}
