using System.Net;
using System.Text;
using Gatehouse.SecretsGateway.Tests.Support;
using Gatehouse.TestKit;
using Microsoft.AspNetCore.Http;

namespace Gatehouse.SecretsGateway.Tests.Live;

/// <summary>Gateways of their own: without a sink, and at the most talkative log level there is.</summary>
public sealed class RecordTests
{
    [Fact]
    public async Task Call_ThatCanNotBeRecorded_IsNotMade()
    {
        await using var sink = await LogSinkStub.StartAsync();
        await using var gateway = await GatewayProcess.StartAsync(sink);
        await gateway.WaitUntilReadyAsync();
        await using var origin = await ApiOrigin.StartAsync(_ => Task.CompletedTask);
        using var session = await AgentSession.OpenAsync(gateway, Policies.Yaml(origin.Url), Policies.Environment());
        using var client = session.CreateClient();
        using var recorded = await client.GetAsync(new Uri("api/v1/x", UriKind.Relative));
        Assert.Equal(HttpStatusCode.OK, recorded.StatusCode);
        sink.Mode = SinkMode.Down;
        await Eventually.TrueAsync(async () => (await client.GetAsync(new Uri("api/v1/x", UriKind.Relative))).StatusCode == HttpStatusCode.ServiceUnavailable);
        var calls = origin.Requests.Count;
        using var denied = await client.GetAsync(new Uri("api/v1/x", UriKind.Relative));
        Assert.Contains("record-unavailable", await denied.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal(calls, origin.Requests.Count);
    }

    [Fact]
    public async Task Credential_InAllThatIsLoggedAndRecorded_IsNotThere()
    {
        await using var sink = await LogSinkStub.StartAsync();
        await using var gateway = await GatewayProcess.StartAsync(sink, ("Logging__LogLevel__Default", "Trace"));
        await gateway.WaitUntilReadyAsync();
        await using var origin = await ApiOrigin.StartAsync(context =>
        {
            context.Response.Headers["X-Your-Key"] = context.Request.Headers["x-api-key"];
            if (context.Request.Path == "/v1/abort")
                context.Abort();
            return context.Response.WriteAsync("pong");
        });
        using var session = await AgentSession.OpenAsync(gateway, Policies.Yaml(origin.Url), Policies.Environment());
        await using var echo = new EchoingOrigin();
        using var echoed = await AgentSession.OpenAsync(gateway, Policies.Yaml(echo.Url), Policies.Environment());
        using var broken = await AgentSession.OpenAsync(gateway, Policies.Yaml("http://127.0.0.1:9"), Policies.Environment());
        using var bad = await AgentSession.OpenAsync(gateway, Policies.Yaml(origin.Url), Policies.Environment(Policies.Key + "\n"));
        foreach (var each in new[] { session, echoed, broken, bad })
        {
            using var client = each.CreateClient();
            foreach (var target in new[] { "api/v1/x", "api/v1/abort", "api/v2/x", "none/x" })
                using (await client.GetAsync(new Uri(target, UriKind.Relative)))
                    continue;
            await each.SendRawAsync("GARBAGE\r\n\r\n");
        }

        var malformed = (await sink.WaitForAsync(each => each.Session == echoed.Id && each.Action == "request.end")).Detail!;
        Assert.EndsWith("malformed, and it showed the credential", malformed["problem"], StringComparison.Ordinal);
        Assert.Equal("(malformed)", malformed["reflected"]);
        await sink.WaitForAsync(each => each.Session == bad.Id && each.Subject == "malformed");
        await Eventually.TrueAsync(() => gateway.Output.Contains("The credential of the secret api", StringComparison.Ordinal));
        var record = string.Join('\n', sink.Events.Select(each => string.Join('\n', [each.ToString(), .. each.Detail?.Values ?? []])));
        var bytes = Encoding.ASCII.GetBytes(Policies.Key);
        string[] forms =
        [
            Policies.Key, Convert.ToBase64String(bytes).TrimEnd('='), Convert.ToHexString(bytes), Convert.ToHexStringLower(bytes), Uri.EscapeDataString(Policies.Key),
            System.Text.Json.JsonSerializer.Serialize(Policies.Key).Trim('"'), new([.. Policies.Key.Reverse()]), Policies.Key[..16], Policies.Key[^16..],
        ];
        foreach (var form in forms)
        {
            Assert.DoesNotContain(form, gateway.Output, StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain(form, record, StringComparison.OrdinalIgnoreCase);
        }

        Assert.NotEmpty(record);
        await gateway.KillAsync(); // it locks what it writes
        foreach (var file in Directory.EnumerateFiles(gateway.Folder.Path, "*", SearchOption.AllDirectories).Where(file => Path.GetExtension(file) != ".sock"))
            Assert.DoesNotContain(Policies.Key, await File.ReadAllTextAsync(file), StringComparison.Ordinal);
    }
}
