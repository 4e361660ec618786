using System.Text.Json.Serialization;
using Gatehouse.Policy.Agent;

namespace Gatehouse.AgentSandbox.Doctor;

/// <summary>One thing that was looked at.</summary>
/// <param name="Isolation">What needs it; null for the machine itself.</param>
/// <param name="Name">What it is.</param>
/// <param name="Level">Whether it is there.</param>
/// <param name="Detail">What was found.</param>
/// <param name="Fix">The command that mends it; null when there is nothing to mend.</param>
internal sealed record Finding(Isolation? Isolation, string Name, FindingLevel Level, string Detail, string? Fix = null);

internal enum FindingLevel
{
    Ok,

    /// <summary>Works without; something is not had.</summary>
    Limited,

    /// <summary>The isolation can not be used.</summary>
    Missing,
}

[JsonSourceGenerationOptions(System.Text.Json.JsonSerializerDefaults.Web, UseStringEnumConverter = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Finding))]
internal sealed partial class FindingJson : JsonSerializerContext;
