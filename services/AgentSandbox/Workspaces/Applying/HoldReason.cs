using Gatehouse.AgentSandbox.Workspaces.Changes;
using Gatehouse.AgentSandbox.Workspaces.Files;

namespace Gatehouse.AgentSandbox.Workspaces.Applying;

/// <summary>Why a change is not applied with the rest.</summary>
internal enum HoldReason
{
    /// <summary>A policy file: it decides what the next agent may do.</summary>
    Policy,

    /// <summary>A part of a git repository that makes git run programs, or points it elsewhere.</summary>
    GitControl,

    /// <summary>A name that <c>hide:</c> kept from the agent.</summary>
    Hidden,

    /// <summary>A link that leads out of the workspace, or may.</summary>
    EscapingLink,

    /// <summary>A folder to delete, with one of the first three in it.</summary>
    HoldsProtected,

    /// <summary>In a folder that is held back.</summary>
    NeedsFolder,

    /// <summary>A socket, pipe or device. Never made on the host.</summary>
    SpecialFile,

    /// <summary>A folder that its mode keeps closed: nobody can have seen what is in it.</summary>
    Unreadable,
}

/// <param name="Change">What was found.</param>
/// <param name="Reason">Why it waits.</param>
/// <param name="Because">The path that is the reason, if it is another one.</param>
internal sealed record HeldChange(Change Change, HoldReason Reason, RelativePath? Because = null)
{
    /// <summary>Whether naming the path applies it.</summary>
    public bool CanBeNamed => Reason is not (HoldReason.SpecialFile or HoldReason.Unreadable or HoldReason.NeedsFolder);

    /// <summary>For people: one short clause.</summary>
    public string Explain() => Reason switch
    {
        HoldReason.Policy => "a policy decides what agents may do",
        HoldReason.GitControl => "git could run programs because of it",
        HoldReason.Hidden => "'hide:' keeps this name from the agent, so it can not have meant your file",
        HoldReason.EscapingLink => "the link leads out of the workspace",
        HoldReason.HoldsProtected => $"it holds {Because}, which the agent may not remove",
        HoldReason.NeedsFolder => $"it is in {Because}, which is held back",
        HoldReason.SpecialFile => "sockets, pipes and devices are never made on the host",
        HoldReason.Unreadable => "its mode keeps even its owner out, so nobody can have reviewed it",
        _ => throw new ArgumentOutOfRangeException(nameof(Reason)),
    };
}

/// <summary>The host's file is not what it was when the session began.</summary>
/// <param name="Path">The path, or one below it that is the reason.</param>
/// <param name="When">Of its last change.</param>
internal sealed record Conflict(RelativePath Path, FileTime When);
