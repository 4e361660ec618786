using System.Diagnostics;
using Gatehouse.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Gatehouse.Topology.Tests;

/// <summary>A real agent in an enclosure: Claude Code from npm, its model a stand-in behind the gateway, its key a placeholder.</summary>
public sealed class ClaudeCodeTests
{
    private const string Key = "sk-ant-the-real-one-7c21";

    [Fact]
    public async Task ClaudeCode_AskedToPing_AnswersThroughTheGatewayWithoutTheKey()
    {
        await using var gatehouse = Installation.Create(unprivileged: true);
        var program = gatehouse.Folder("claude");
        using (var copy = Process.Start("/bin/cp", ["-rL", ClaudeFolder(), program + "/npm"])!)
            await copy.WaitForExitAsync();
        using (var open = Process.Start("/bin/chmod", ["-R", "a+rX", program])!)
            await open.WaitForExitAsync();
        await PingAsync(gatehouse, "limits: { duration: 2m }", $"  inputs: [{{ host: \"{program}/npm\", at: /opt/npm }}]\n", "/opt/npm/node_modules/.bin/claude");
    }

    /// <summary>The image is the one that the tests of images build.</summary>
    [Fact]
    public async Task ClaudeCode_InTheAgentImageWithDocker_AnswersThroughTheGatewayWithoutTheKey()
    {
        await using var gatehouse = Installation.Create(unprivileged: true);
        await Cell.DockerSocket.PrepareAsync(gatehouse);
        await PingAsync(gatehouse, "isolation: docker\n  image: \"gatehouse/agent:test\"\n  limits: { duration: 2m, memory: 2GiB, processes: 512 }", "", "claude");
    }

    private static async Task PingAsync(Installation gatehouse, string agent, string inputs, string claude)
    {
        await using var model = await TestOrigin.StartAsync(null, app =>
        {
            app.MapMethods("/", ["HEAD"], () => Results.Ok());
            app.MapPost("/v1/messages", StandInModel.AnswerAsync);
        });
        gatehouse.Environment["ANTHROPIC_API_KEY"] = Key;
        var workspace = gatehouse.Folder("project", ("gatehouse.yaml", Policy(agent, inputs, model.EndPoint.ToString())), ("README.md", "hello\n"));

        var result = await gatehouse.RunAsync(workspace, ["run", "--", claude, "-p", "ping"], "");
        var look = await gatehouse.ScriptAsync(workspace, "env; cat /proc/*/environ /workspace/* /etc/* 2>/dev/null | tr '\\0' '\\n'");
        var record = await gatehouse.RunAsync(workspace, ["log", "--json", "--limit", "500"]);

        Assert.True(result.Output.Contains(StandInModel.Says, StringComparison.Ordinal), result + record.Output);
        Assert.Contains(model.Requests, request => request.Method == "POST" && request.Headers["x-api-key"] == Key);
        Assert.DoesNotContain(model.Requests, request => request.Headers.Values.Any(value => value.ToString().Contains("placeholder", StringComparison.Ordinal)));
        Assert.DoesNotContain(Key, look.Output + record.Output + result.Output + result.Error, StringComparison.Ordinal);
        Assert.Contains("POST anthropic/v1/messages", record.Output, StringComparison.Ordinal);
    }

    private static string ClaudeFolder()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (folder.Name == "artifacts")
                return Path.Combine(folder.FullName, "npm");
        }

        throw new InvalidOperationException("run ./test.sh, which installs Claude Code into artifacts/npm");
    }

    private static string Policy(string agent, string inputs, string model) => $$"""
        version: 1
        agent:
          {{agent}}
          environment: { DISABLE_AUTOUPDATER: "1", CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1", DISABLE_TELEMETRY: "1" }
        filesystem:
        {{inputs}}  workspaces: [{ host: ., at: /workspace }]
          scratch: [{ at: /tmp, size: 256MiB }]
        secrets:
          - name: anthropic
            upstream: http://{{model}}
            from: env:ANTHROPIC_API_KEY
            inject: { header: x-api-key, value: "{secret}" }
            expose: { ANTHROPIC_BASE_URL: "{url}", ANTHROPIC_API_KEY: placeholder }
            allow:
              - { method: POST, path: /v1/messages }
              - { method: HEAD, path: / }
        """;
}
