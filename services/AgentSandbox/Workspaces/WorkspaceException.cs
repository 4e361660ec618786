namespace Gatehouse.AgentSandbox.Workspaces;

/// <summary>What was asked of a workspace can not be done; the message goes to the person: what, why, what to do.</summary>
internal sealed class WorkspaceException(string message, Exception? inner = null) : Exception(message, inner);
