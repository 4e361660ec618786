using Gatehouse.AgentSandbox.Launch;

namespace Gatehouse.AgentSandbox.Composition;

/// <summary>
/// What a policy can say where a Compose file has made the agent's container: names, calls and folders. What only the Compose file can decide is
/// refused here, since a line without effect misleads whoever reads it.
/// </summary>
internal static class ComposedPolicy
{
    /// <exception cref="LaunchException">A key has no effect.</exception>
    public static void Check(LoadedPolicy policy)
    {
        var agent = policy.Policy.Agent;
        List<string> without = [];
        Refuse(agent.Image is not null, "agent.image", "image: of the service 'agent'");
        Refuse(agent.Runtime is not null, "agent.runtime", "runtime: of the service 'agent'");
        Refuse(!agent.Publish.IsEmpty, "agent.publish", "nothing: an agent without a network can not be reached in a composition yet");
        Refuse(agent.Limits.Processes is not null, "agent.limits.processes", "pids_limit: of the service 'agent'");
        Refuse(agent.Limits.Memory is not null, "agent.limits.memory", "mem_limit: of the service 'agent'");
        Refuse(agent.Limits.Cpus is not null, "agent.limits.cpus", "cpus: of the service 'agent'");
        Refuse(!policy.Policy.Filesystem.Scratch.IsEmpty, "filesystem.scratch", "tmpfs: of the service 'agent'");
        Refuse(policy.Policy.Filesystem.WritableRoot, "filesystem.root", "read_only: of the service 'agent'");
        if (without.Count > 0)
            throw new LaunchException(ExitCodes.BadPolicy, string.Join('\n', without));

        void Refuse(bool isThere, string key, string instead)
        {
            if (isThere)
                without.Add($"{policy.Path}: {key} has no effect in a composition: remove it; what counts is {instead}");
        }
    }
}
