using Gatehouse.EgressProxy.Destinations;
using Gatehouse.Policy.Egress;
using Gatehouse.Policy.Names;

namespace Gatehouse.EgressProxy.Decisions;

/// <summary>
/// The one place where this gate decides. Pure: the same policy and attempt give the same answer, and nothing is resolved, dialled
/// or recorded here.
/// </summary>
internal static class EgressDecider
{
    public const int HttpPort = 80;
    public const int TlsPort = 443;

    public static Decision Decide(EgressPolicy policy, in Attempt attempt)
    {
        var to = attempt.To;
        if (IsOwnName(to.Host.Name))
            return Decision.Deny(Denial.OwnName, attempt);

        var (verdict, rule, asking) = to.Host.Address is { } address ? policy.Decide(address, to.Port) : policy.Decide(to.Host.Name, to.Port);
        if (asking is not null)
            return Ask(asking, attempt);
        if (!verdict.IsAllowed || rule is null)
            return Decision.Deny(NotGranted(policy, to), attempt, verdict.Rule);

        var denial = rule.IsInspected ? Denial.NeedsInspection : Disagreement(attempt);
        return denial == Denial.None ? new Decision(Denial.None, rule, verdict) : Decision.Deny(denial, attempt, rule.Name);
    }

    /// <summary>What would be denied in any case is not asked about.</summary>
    private static Decision Ask(EgressRule rule, in Attempt attempt)
    {
        var denial = rule.IsInspected ? Denial.NeedsInspection : Disagreement(attempt);
        if (denial != Denial.None)
            return Decision.Deny(denial, attempt, rule.Name);
        return attempt.IsApproved
            ? new Decision(Denial.None, rule, Policy.Verdict.Allow(rule.Name))
            : Decision.Deny(Denial.Unapproved, attempt, rule.Name) with { Rule = rule };
    }

    /// <summary>Names below <c>gatehouse</c>: <c>secrets.gatehouse</c>, <c>proxy.gatehouse</c> (RFC 8244: nobody else's to resolve).</summary>
    private static bool IsOwnName(DomainName name) =>
        name.Value.EndsWith(".gatehouse", StringComparison.Ordinal) || name.Value == "gatehouse";

    private static Denial NotGranted(EgressPolicy policy, Destination to) =>
        to.Host.Address is not null ? Denial.RawAddress
        : policy.AllowsName(to.Host.Name, out _) ? Denial.Port
        : Denial.Name;

    /// <summary>Whether what the connection says about itself is what was dialled.</summary>
    private static Denial Disagreement(in Attempt attempt) => attempt.Opening switch
    {
        Opening.Unread => Denial.None,
        Opening.InvalidTls => Denial.InvalidTls,
        _ when attempt.To.Port == TlsPort && attempt.Opening != Opening.Tls => Denial.NotTls,
        _ when attempt.To.Port == HttpPort && attempt.Opening != Opening.Http => Denial.NotHttp,
        Opening.Tls => Disagreement(attempt.To.Host, attempt.Hello),
        Opening.Http => attempt.Authority == attempt.To ? Denial.None : Denial.Disagreement,
        _ => Denial.None,
    };

    private static Denial Disagreement(RemoteHost dialled, in Tls.ClientHello hello)
    {
        if (hello.HasEncryptedHello)
            return Denial.EncryptedHello;

        if (hello.ServerName is not { } name)
            return dialled.Address is null ? Denial.NoServerName : Denial.None;

        // RFC 6066 §3 forbids addresses as host_name, but some clients send the one they dialled: that agrees. A name does not: the
        // rule grants an address, and behind the address of a shared front a name would choose somebody else's site.
        return name == dialled ? Denial.None : dialled.Address is null ? Denial.Disagreement : Denial.NameOnAddress;
    }
}
