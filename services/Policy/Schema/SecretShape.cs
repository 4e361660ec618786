namespace Gatehouse.Policy.Schema;

/// <summary><c>secrets:</c></summary>
internal static class SecretShape
{
    private static readonly ListShape Globs = new("Globs, one of which must match.",
        new TextShape("Glob: * is any run of characters.", "\"claude-*\"", 1024) { MayBeEmpty = true }, MaxCount: 64, MinCount: 1,
            OrOne: true);

    private static readonly EitherShape Body = new("Globs for text, or bounds for a number.", Globs, new ObjectShape("Bounds of a number.",
    [
        new("min", new DecimalShape("The least.", double.MinValue, double.MaxValue)),
        new("max", new DecimalShape("The most.", double.MinValue, double.MaxValue)),
    ]));

    private static readonly ObjectShape Call = new("One shape of call.",
    [
        new("method", new ListShape("HTTP method or methods.", EgressShape.Method, MaxCount: 32, MinCount: 1,
            OrOne: true)) { IsRequired = true },
        new("path", new TextShape("Glob of the path below the upstream.", "/v1/messages", 1024)) { IsRequired = true },
        new("headers", new MapShape("Headers that must be there, and what they may hold.", Globs, MaxCount: 64)),
        new("query", new MapShape("Query parameters and what they may hold; all others are then refused.", Globs, MaxCount: 64)),
        new("body", new MapShape("Members of the JSON body and what they may hold.", Body,
            MaxCount: 64)) { Needs = PolicyFeatures.BodyRules },
    ]);

    public static ListShape Secrets { get; } = new("Credentials that the agent may use and never sees.", new ObjectShape("One credential.",
    [
        new("name", new TextShape("Its name: small letters, digits, hyphens. The agent calls http://secrets.gatehouse/NAME/…",
            "anthropic", 40))
        {
            IsRequired = true,
        },
        new("upstream", new TextShape("Where calls go: https, or http to loopback.", "https://api.example.com",
            2048)) { IsRequired = true },
        new("from", new TextShape("Where the credential is: env:NAME, file:PATH, command:…, azure-keyvault:URL, vault:URL.", "env:API_KEY"))
        {
            IsRequired = true,
        },
        new("inject", new ObjectShape("How it is put into a call.",
        [
            new("header", new TextShape("Header that carries it.", "authorization", 128)) { IsRequired = true },
            new("value", new TextShape("The header's value, with {secret} once.", "\"Bearer {secret}\"", 512)) { IsRequired = true },
        ]))
        {
            IsRequired = true,
        },
        new("expose", new MapShape("Environment that the agent gets; {url} stands for this secret's address at the gateway.",
            new TextShape("Value.", "\"{url}\"", 4096) { MayBeEmpty = true }, MaxCount: 64)),
        new("allow", new ListShape("The only calls it may be used for.", Call, MaxCount: 256, MinCount: 1)) { IsRequired = true },
        new("limits", new ObjectShape("Budgets.",
        [
            new("requestsPerMinute", new IntegerShape("Calls a minute.", 1, 1_000_000)),
            new("bytesPerDay", new SizeShape("Bytes a day, both ways.", 1, 1L << 50)),
            new("tokensPerDay", new IntegerShape("Model tokens a day, in and out.", 1, 1L << 50)),
        ]))
        {
            Needs = PolicyFeatures.SecretBudgets,
        },
        new("trust", EgressShape.Trust),
    ]), MaxCount: 256);
}
