using System.Collections.Immutable;
using System.Net;
using Gatehouse.Policy.Names;

namespace Gatehouse.Policy.Egress;

/// <summary>One line of <c>egress.allow</c>. Exactly one of <see cref="Host"/> and <see cref="Address"/> is set.</summary>
public sealed record EgressRule
{
    /// <summary>What records and messages call it: <c>egress.allow[2] api.github.com</c>.</summary>
    public required string Name { get; init; }

    public HostPattern? Host { get; init; }

    public IPNetwork? Address { get; init; }

    /// <summary>TCP ports; 443 and 80 when the rule names none.</summary>
    public required ImmutableArray<int> Ports { get; init; }

    /// <summary>Allowed HTTP methods, upper case; empty: any.</summary>
    public ImmutableArray<string> Methods { get; init; } = [];

    /// <summary>Allowed paths; empty: any.</summary>
    public ImmutableArray<PathPattern> Paths { get; init; } = [];

    /// <summary>Pinned origin: connect here, whatever the name resolves to.</summary>
    public IPEndPoint? Connect { get; init; }

    /// <summary>PEM file with the origin's own CA, as written.</summary>
    public string? Trust { get; init; }

    /// <summary>A person is asked about each new destination that it matches; nothing is allowed by it alone.</summary>
    public bool Ask { get; init; }

    /// <summary>Whether TLS must be ended to hold this rule.</summary>
    public bool IsInspected => !Methods.IsEmpty || !Paths.IsEmpty;
}
