using Gatehouse.Policy;
using Gatehouse.Policy.Secrets;

namespace Gatehouse.SecretsGateway.Calls;

/// <param name="Denial">None when allowed.</param>
/// <param name="Secret">Which credential, when known.</param>
/// <param name="Path">The path below the secret's name that was checked; what is forwarded is this and nothing else.</param>
/// <param name="Rule">Which rule allowed it.</param>
internal sealed record CallDecision(CallDenial Denial, SecretPolicy? Secret, string Path, string? Rule)
{
    public Verdict Verdict => Denial == CallDenial.None
        ? Verdict.Allow(Rule!)
        : Verdict.Deny(CallAnswers.Reason(Denial, Secret?.Name), Secret is null ? null : $"secrets {Secret.Name}");
}
