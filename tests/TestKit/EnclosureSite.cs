namespace Gatehouse.TestKit;

/// <summary>An installation with an internet on loopback: an HTTPS origin that the policy allows by name, an API that wants a key, and a workspace under that policy.</summary>
public sealed class EnclosureSite : IAsyncDisposable
{
    /// <summary>What the gateway injects; it must never be seen inside.</summary>
    public const string Key = "sk-real-key-4f9d2c71";

    private readonly TestCertificates _certificates = new();

    private EnclosureSite(Cell cell, Installation installation, TestOrigin web, TestOrigin api, string workspace) =>
        (Cell, Installation, Web, Api, Workspace) = (cell, installation, web, api, workspace);

    public Cell Cell { get; }

    public Installation Installation { get; }

    public TestOrigin Web { get; private set; }

    public TestOrigin Api { get; }

    /// <summary>The folder that holds the policy, and is the workspace.</summary>
    public string Workspace { get; private set; }

    public static Task<EnclosureSite> CreateAsync(bool unprivileged) => CreateAsync(unprivileged ? Cell.BubblewrapUnprivileged : Cell.BubblewrapRoot);

    public static async Task<EnclosureSite> CreateAsync(Cell cell)
    {
        var installation = Installation.Create(cell.IsUnprivileged());
        try
        {
            await cell.PrepareAsync(installation);
        }
        catch
        {
            await cell.CleanUpAsync(installation);
            await installation.DisposeAsync();
            throw;
        }

        var api = await TestOrigin.StartAsync();
        var site = new EnclosureSite(cell, installation, null!, api, "");
        site.Web = await TestOrigin.StartAsync(site._certificates.CreateLeaf("allowed.test", "blocked.test", "deep.wild.test"));
        installation.Environment["TEST_API_KEY"] = Key;
        site.Workspace = site.CreateWorkspace("project");
        return site;
    }

    /// <summary>Another workspace, whose agent is told more.</summary>
    /// <param name="name">Of the folder.</param>
    /// <param name="agent">More keys of <c>agent:</c>, a line each.</param>
    public string CreateWorkspaceFor(string name, params string[] agent) => Installation.Folder(name,
        [("ca.pem", _certificates.AuthorityPem), ("gatehouse.yaml", Policy("", agent)), ("seen.txt", "lower\n"), ("docs/notes.txt", "notes\n")]);

    /// <summary>Another workspace under the same policy.</summary>
    public string CreateWorkspace(string name, string more = "", params (string Path, string Content)[] files) => Installation.Folder(name,
        [("ca.pem", _certificates.AuthorityPem), ("gatehouse.yaml", Policy(more)), ("seen.txt", "lower\n"), (".env", "HIDDEN=yes\n"), ("docs/notes.txt", "notes\n"), .. files]);

    /// <summary>The record of the newest session, a line of JSON each.</summary>
    public async Task<string> RecordAsync(params string[] filter)
    {
        var sessions = await Installation.RunAsync(Workspace, ["sessions", "--json", "--limit", "1"]);
        var session = System.Text.Json.JsonDocument.Parse(sessions.Output.Split('\n')[0]).RootElement.GetProperty("session").GetString()!;
        return (await Installation.RunAsync(Workspace, ["log", session, "--json", "--limit", "5000", .. filter])).Output;
    }

    /// <summary>Waits, for at most ten seconds, until the newest session's record holds a text: gates deliver a moment after they decided.</summary>
    public async Task ExpectRecordAsync(string text, params string[] filter)
    {
        var record = "";
        for (var i = 0; i < 100; i++)
        {
            record = await RecordAsync(filter);
            if (record.Contains(text, StringComparison.OrdinalIgnoreCase))
                return;
            await Task.Delay(100);
        }

        throw new InvalidOperationException($"'{text}' is not in the record:\n{record}");
    }

    public async ValueTask DisposeAsync()
    {
        await Cell.CleanUpAsync(Installation);
        await Installation.DisposeAsync();
        await Web.DisposeAsync();
        await Api.DisposeAsync();
        _certificates.Dispose();
    }

    private string Agent(string[] more) => $"{string.Join("\n  ", Cell.Agent().Split(", ", StringSplitOptions.RemoveEmptyEntries).Append("limits: { processes: 400, duration: 5m }").Append("environment: { FROM_POLICY: \"yes\" }").Concat(more))}";

    private string Policy(string more, params string[] agent) => $$"""
        version: 1
        agent:
          {{Agent(agent)}}
        filesystem:
          inputs: [{ host: docs, at: /docs }]
          workspaces: [{ host: ., at: /workspace, mode: overlay }]
          scratch: [{ at: /tmp, size: 64MiB }]
          hide: ["**/.env"]
        egress:
          allow:
            - { host: allowed.test, connect: "{{Web.EndPoint}}", trust: ca.pem }
            - { host: "*.wild.test", connect: "{{Web.EndPoint}}", trust: ca.pem }
            - { address: "2001:db8::7", ports: [443] }
        secrets:
          - name: api
            upstream: http://{{Api.EndPoint}}
            from: env:TEST_API_KEY
            inject: { header: x-api-key, value: "{secret}" }
            expose: { API_URL: "{url}", API_KEY: placeholder }
            allow: [{ method: GET, path: /v1/whoami }]
        {{more}}
        """;
}
