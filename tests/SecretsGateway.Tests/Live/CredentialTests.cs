using System.Net;
using Gatehouse.SecretsGateway.Tests.Support;
using Gatehouse.TestKit;
using Microsoft.AspNetCore.Http;

namespace Gatehouse.SecretsGateway.Tests.Live;

/// <summary>Where credentials come from, and where they do not go.</summary>
[Collection(GatewayTests.Name)]
public sealed class CredentialTests(GatewayFixture fixture)
{
    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("line\nbreak")]
    [InlineData("return\rX-Injected: yes")]
    public async Task Credential_ThatCanNotBeUsed_IsForTheHumanToMend(string? value)
    {
        await using var origin = await ApiOrigin.StartAsync(_ => Task.CompletedTask);
        using var session = await AgentSession.OpenAsync(fixture.Gateway, Policies.Yaml(origin.Url), value is null ? null : Policies.Environment(value));
        var (status, body) = await GetAsync(session);
        Assert.Equal(HttpStatusCode.BadGateway, status);
        Assert.Contains("the credential could not be read", body, StringComparison.Ordinal);
        Assert.Contains("gatehouse log", body, StringComparison.Ordinal);
        Assert.DoesNotContain("API_KEY", body, StringComparison.Ordinal);
        var denied = await fixture.WaitAsync(session, each => each.Action == "request");
        Assert.Contains("API_KEY", denied.Detail!["credential"], StringComparison.Ordinal);
        Assert.Empty(origin.Requests);
        await Eventually.TrueAsync(() => fixture.Gateway.Output.Contains("The credential of the secret api", StringComparison.Ordinal));
    }

    [Fact]
    public async Task File_ThatChanges_IsReadAgain()
    {
        await using var origin = await ApiOrigin.StartAsync(_ => Task.CompletedTask);
        using var session = await AgentSession.OpenAsync(
            fixture.Gateway, Policies.Yaml(origin.Url, from: "file:key.txt"), prepare: folder => folder.Write("key.txt", "first-key\n"));
        await GetAsync(session);
        session.Folder.Write("key.txt", "other-key\n");
        await GetAsync(session);
        Assert.Equal(["first-key", "other-key"], origin.Requests.Select(seen => seen.Headers["x-api-key"]));
    }

    [Fact]
    public async Task Policy_Reloaded_HoldsForTheNextCall()
    {
        await using var origin = await ApiOrigin.StartAsync(_ => Task.CompletedTask);
        using var session = await AgentSession.OpenAsync(fixture.Gateway, Policies.Yaml(origin.Url), Policies.Environment());
        Assert.Equal(HttpStatusCode.OK, (await GetAsync(session)).Status);
        session.Folder.Write("gatehouse.yaml", Policies.Yaml(origin.Url, "{ method: GET, path: /v9/** }"));
        await Eventually.TrueAsync(async () => (await GetAsync(session)).Status == HttpStatusCode.Forbidden);
    }

    [Fact]
    public async Task Sessions_AtTheSameTime_ShareNothing()
    {
        await using var origin = await ApiOrigin.StartAsync(context => context.Response.WriteAsync(context.Connection.Id));
        using var one = await AgentSession.OpenAsync(fixture.Gateway, Policies.Yaml(origin.Url, "{ method: GET, path: /v1/x }"), Policies.Environment("key-of-one"));
        using var two = await AgentSession.OpenAsync(
            fixture.Gateway, Policies.Yaml(origin.Url, "{ method: GET, path: /v1/x }").Replace("name: api", "name: api2", StringComparison.Ordinal),
            Policies.Environment("key-of-two"));
        var first = await GetAsync(one);
        Assert.Equal(HttpStatusCode.NotFound, (await GetAsync(two)).Status);
        var second = await GetAsync(two, "api2/v1/x");
        var third = await GetAsync(one);
        Assert.Equal(["key-of-one", "key-of-two", "key-of-one"], origin.Requests.Select(seen => seen.Headers["x-api-key"]));
        Assert.Equal(first.Body, third.Body);
        Assert.NotEqual(first.Body, second.Body); // not the same upstream connection
        Assert.Equal(HttpStatusCode.NotFound, (await GetAsync(one, "api2/v1/x")).Status);
    }

    private static async Task<(HttpStatusCode Status, string Body)> GetAsync(AgentSession session, string target = "api/v1/x")
    {
        using var client = session.CreateClient();
        using var response = await client.GetAsync(new Uri(target, UriKind.Relative));
        return (response.StatusCode, await response.Content.ReadAsStringAsync());
    }
}
