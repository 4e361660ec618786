using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Gatehouse.TestKit;
using Microsoft.AspNetCore.Builder;

namespace Gatehouse.Topology.Tests;

/// <summary>A real assistant with a gateway and a web page of its own: in the agent image, reached through a published port, its model behind the gateway.</summary>
public sealed partial class OpenClawTests
{
    private const string Key = "sk-ant-the-real-one-88aa";

    /// <summary>Its own gateway, then one turn through it; it stays until the test has seen the page.</summary>
    private const string Turn = """
        openclaw gateway run --allow-unconfigured >/tmp/gateway.log 2>&1 &
        for i in {1..240}; do curl -s -o /dev/null http://127.0.0.1:18789/ && break; sleep 0.25; done
        openclaw agent --agent main --message ping --timeout 60 || tail -20 /tmp/gateway.log
        read -r
        """;

    private const string Configuration = """
        {
          "gateway": { "mode": "local", "port": 18789, "auth": { "mode": "token", "token": "only-for-this-test" } },
          "models": { "providers": { "anthropic": {
            "baseUrl": "http://secrets.gatehouse/anthropic", "apiKey": "placeholder", "api": "anthropic-messages",
            "models": [{ "id": "claude-stand-in", "name": "Stand-in" }] } } },
          "agents": { "defaults": { "model": { "primary": "anthropic/claude-stand-in" } } }
        }
        """;

    /// <summary>The image is the one that the tests of images build.</summary>
    [Fact]
    public async Task OpenClaw_InTheAgentImageWithDocker_ShowsItsPageAndTakesATurn()
    {
        await using var gatehouse = Installation.Create(unprivileged: true);
        await Cell.DockerSocket.PrepareAsync(gatehouse);
        await using var model = await TestOrigin.StartAsync(null, app => app.MapPost("/v1/messages", StandInModel.AnswerAsync));
        gatehouse.Environment["ANTHROPIC_API_KEY"] = Key;
        var port = FreePort();
        var folder = gatehouse.Folder("project",
            ("gatehouse.yaml", Policy(port, model.EndPoint.ToString())), (".openclaw/openclaw.json", Configuration), ("turn.sh", Turn));

        using var process = gatehouse.Start(folder, ["run", "-q", "--", "bash", "turn.sh"]);
        try
        {
            using var client = new HttpClient { BaseAddress = new($"http://127.0.0.1:{port}") };
            var page = await GetPageAsync(client, process);
            Assert.Contains("openclaw", page, StringComparison.OrdinalIgnoreCase);
            // A page is more than its first file.
            var script = Script().Match(page).Groups[1].Value;
            Assert.NotEqual("", script);
            using var answer = await client.GetAsync(script);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);

            using var bound = new CancellationTokenSource(TimeSpan.FromSeconds(120));
            var said = await process.StandardOutput.ReadLineAsync(bound.Token);
            Assert.True(said == StandInModel.Says, said + await RestAsync(process));
        }
        finally
        {
            process.StandardInput.Close();
            await process.WaitForExitAsync(new CancellationTokenSource(TimeSpan.FromSeconds(60)).Token);
        }

        Assert.Contains(model.Requests, request => request.Headers["x-api-key"] == Key);
        var record = (await gatehouse.RunAsync(folder, ["log", "--json", "--limit", "1000"])).Output;
        Assert.Contains("publish.connect", record, StringComparison.Ordinal);
        Assert.Contains("POST anthropic/v1/messages", record, StringComparison.Ordinal);
        Assert.DoesNotContain(Key, record, StringComparison.Ordinal);
    }

    private static async Task<string> GetPageAsync(HttpClient client, System.Diagnostics.Process process)
    {
        for (var i = 0; i < 400 && !process.HasExited; i++)
        {
            try
            {
                return await client.GetStringAsync("/");
            }
            catch (HttpRequestException)
            {
                await Task.Delay(200);
            }
        }

        Assert.Fail("its page did not come: " + await RestAsync(process));
        return "";
    }

    private static async Task<string> RestAsync(System.Diagnostics.Process process)
    {
        process.StandardInput.Close();
        return await process.StandardOutput.ReadToEndAsync() + await process.StandardError.ReadToEndAsync();
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static string Policy(int port, string model) => $$"""
        version: 1
        agent:
          isolation: docker
          image: "gatehouse/agent:test"
          limits: { duration: 5m, memory: 3GiB, processes: 512 }
          environment: { OPENCLAW_DISABLE_BONJOUR: "1", OPENCLAW_STATE_DIR: /workspace/.openclaw }
          publish: [{ inside: 18789, host: "127.0.0.1:{{port}}" }]
        filesystem:
          workspaces: [{ host: ., at: /workspace }]
          scratch: [{ at: /tmp, size: 512MiB }]
        secrets:
          - name: anthropic
            upstream: http://{{model}}
            from: env:ANTHROPIC_API_KEY
            inject: { header: x-api-key, value: "{secret}" }
            expose: { ANTHROPIC_BASE_URL: "{url}", ANTHROPIC_API_KEY: placeholder }
            allow:
              - { method: POST, path: /v1/messages }
        """;

    [GeneratedRegex("src=\"\\.?/?([^\"]+\\.js)\"", RegexOptions.CultureInvariant)]
    private static partial Regex Script();
}
