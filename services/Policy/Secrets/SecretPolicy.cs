using System.Collections.Immutable;
using Gatehouse.Policy.Names;

namespace Gatehouse.Policy.Secrets;

/// <summary>One credential: where it comes from, how it is injected, and the only calls it may be used for.</summary>
public sealed record SecretPolicy
{
    /// <summary>First path segment at the gateway; letters, digits and hyphens.</summary>
    public required string Name { get; init; }

    /// <summary>Origin, optionally with a base path. https, or http to loopback only.</summary>
    public required Uri Upstream { get; init; }

    public required SecretSource From { get; init; }

    public required SecretInjection Inject { get; init; }

    /// <summary>Environment the agent gets; <c>{url}</c> stands for the gateway's address for this secret.</summary>
    public required ImmutableDictionary<string, string> Expose { get; init; }

    /// <summary>No entry, no call.</summary>
    public required ImmutableArray<SecretCallRule> Allow { get; init; }

    public SecretLimits Limits { get; init; } = new(null, null, null);

    /// <summary>PEM file with the upstream's own CA, as written.</summary>
    public string? Trust { get; init; }
}

/// <param name="Scheme">Which kind of store.</param>
/// <param name="Value">Variable name, file path (as written), command line or store URL.</param>
public sealed record SecretSource(SecretScheme Scheme, string Value);

public enum SecretScheme
{
    Env,
    File,
    Command,
    AzureKeyVault,
    Vault,
}

/// <param name="Header">Header that carries the credential.</param>
/// <param name="Value">Its value, with <c>{secret}</c> once.</param>
public sealed record SecretInjection(string Header, string Value);

/// <summary>One shape of call that is allowed. Empty members do not restrict.</summary>
public sealed record SecretCallRule
{
    /// <summary><c>secrets[0].allow[1] POST /v1/messages</c>.</summary>
    public required string Rule { get; init; }

    /// <summary>Upper case; never empty.</summary>
    public required ImmutableArray<string> Methods { get; init; }

    public required PathPattern Path { get; init; }

    /// <summary>Header name (lower case) to the globs of which one must match its value; a missing header does not match.</summary>
    public ImmutableDictionary<string, ImmutableArray<string>> Headers { get; init; } =
        ImmutableDictionary<string, ImmutableArray<string>>.Empty;

    /// <summary>
    /// Query parameter to the globs of which one must match each of its values; when not null, other parameters are refused.
    /// </summary>
    public ImmutableDictionary<string, ImmutableArray<string>>? Query { get; init; }

    /// <summary>Member of a JSON body to what it may be.</summary>
    public ImmutableDictionary<string, BodyRule> Body { get; init; } = ImmutableDictionary<string, BodyRule>.Empty;
}

public sealed record SecretLimits(int? RequestsPerMinute, long? BytesPerDay, long? TokensPerDay);
