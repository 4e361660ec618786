using System.Diagnostics;
using Gatehouse.Gate;
using Gatehouse.Policy;
using Gatehouse.Policy.Parsing;

namespace Gatehouse.TestKit;

/// <summary>A session without a launcher: a policy, sockets, and an end that the test chooses.</summary>
public sealed class TestSession : IDisposable
{
    private readonly CancellationTokenSource _ended = new();

    private TestSession(AgentPolicy policy, SessionSocket[] sockets, string policyDirectory, ActivityContext trace)
    {
        Session = new(SessionId.Create(TimeProvider.System), policy, policyDirectory, trace, [.. sockets], null, _ended.Token);
    }

    public GateSession Session { get; }

    public static TestSession Create(string policyYaml, params SessionSocket[] sockets) =>
        new(Parse(policyYaml), sockets, Path.GetTempPath(), default);

    public static TestSession Create(string policyYaml, ActivityContext trace) => new(Parse(policyYaml), [], Path.GetTempPath(), trace);

    /// <summary>The policy in a YAML text, or an exception with every error in it.</summary>
    public static AgentPolicy Parse(string yaml)
    {
        var result = PolicyParser.Parse(yaml, "test.yaml");
        return result.Policy ?? throw new ArgumentException(string.Join('\n', result.Errors), nameof(yaml));
    }

    /// <summary>The lease ends.</summary>
    public void End() => _ended.Cancel();

    public void Dispose()
    {
        _ended.Cancel();
        foreach (var socket in Session.Sockets)
            socket.Dispose();
        _ended.Dispose();
    }
}
