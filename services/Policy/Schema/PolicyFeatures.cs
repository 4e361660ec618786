namespace Gatehouse.Policy.Schema;

/// <summary>
/// Parts of a policy that a gate or the sandbox must act on before they may be used. A part that nobody would hold is refused, after it has
/// been checked: a limit that is ignored is worse than none.
/// </summary>
[Flags]
internal enum PolicyFeatures
{
    None = 0,

    /// <summary>OCI runtimes whose guests have a kernel, and so a network, of their own.</summary>
    GuestKernels = 1 << 0,
    Inspection = 1 << 4,
    BodyRules = 1 << 5,
    SecretBudgets = 1 << 6,
    SecretStores = 1 << 7,
    Execution = 1 << 8,

    /// <summary>What this version holds.</summary>
    Current = None,

    All = (1 << 9) - 1,
}
