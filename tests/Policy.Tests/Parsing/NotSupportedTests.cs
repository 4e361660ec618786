using Gatehouse.Policy.Parsing;
using Gatehouse.Policy.Schema;

namespace Gatehouse.Policy.Tests.Parsing;

/// <summary>Parts that nothing holds yet: checked like all others, then refused.</summary>
public sealed class NotSupportedTests
{
    [Theory]
    [InlineData("agent: { isolation: »docker }", "agent.isolation 'docker'")]
    [InlineData("agent: { isolation: »podman }", "agent.isolation 'podman'")]
    [InlineData("agent: { limits: { »memory: 4GiB } }", "'memory'")]
    [InlineData("agent: { limits: { »cpus: 2 } }", "'cpus'")]
    [InlineData("agent: { »publish: [{ inside: 18789, host: \"127.0.0.1:18789\" }] }", "'publish'")]
    [InlineData("egress: { allow: [{ host: a.example, »methods: [GET] }] }", "'methods'")]
    [InlineData("egress: { allow: [{ host: a.example, »paths: [/x] }] }", "'paths'")]
    [InlineData("execution: { »allow: [git] }", "'allow'")]
    [InlineData("secrets: [{ name: a, upstream: https://a.example, from: »command:pass a, inject: { header: a, value: \"{secret}\" }, allow: [{ method: GET, path: / }] }]", "'command:'")]
    [InlineData("secrets: [{ name: a, upstream: https://a.example, from: »azure-keyvault:https://kv.example/a, inject: { header: a, value: \"{secret}\" }, allow: [{ method: GET, path: / }] }]", "'azure-keyvault:'")]
    [InlineData("secrets: [{ name: a, upstream: https://a.example, from: »vault:https://v.example/a, inject: { header: a, value: \"{secret}\" }, allow: [{ method: GET, path: / }] }]", "'vault:'")]
    [InlineData("secrets: [{ name: a, upstream: https://a.example, from: env:A, inject: { header: a, value: \"{secret}\" }, allow: [{ method: GET, path: /, »body: { m: x } }] }]", "'body'")]
    [InlineData("secrets: [{ name: a, upstream: https://a.example, from: env:A, inject: { header: a, value: \"{secret}\" }, allow: [{ method: GET, path: / }], »limits: { requestsPerMinute: 1 } }]", "'limits'")]
    public void Parse_PartOfALaterVersion_IsRefusedWhereItStands(string marked, string what)
    {
        MarkedPolicy.AssertError("version: 1\n" + marked, what + " is not supported yet", "Remove it", PolicyFeatures.Current);
        Assert.Empty(PolicyParser.Parse("version: 1\n" + marked.Replace("»", "", StringComparison.Ordinal), "p", PolicyFeatures.All).Errors);
    }

    [Fact]
    public void Parse_ContainerKeys_AreRefusedEach()
    {
        var errors = PolicyParser.Parse("version: 1\nagent: { isolation: docker, image: a/b, runtime: runsc }", "p").Errors;
        Assert.Equal(["agent.isolation 'docker'", "'image'", "'runtime'"], errors.Select(error => error.Message.Replace(" is not supported yet", "", StringComparison.Ordinal)));
    }

    [Fact]
    public void Parse_PartOfALaterVersionThatIsWrong_IsReportedForBoth()
    {
        var errors = PolicyParser.Parse("version: 1\nagent: { publish: [{ inside: 18789, host: \"0.0.0.0:18789\" }] }", "p").Errors;
        Assert.Equal(2, errors.Length);
        Assert.Contains("not supported yet", errors[0].Message, StringComparison.Ordinal);
        Assert.Contains("not on loopback", errors[1].Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_LimitsThatAreHeld_AreTaken()
    {
        var limits = PolicyParser.Parse("version: 1\nagent: { limits: { processes: 512, duration: 8h } }", "p").Policy!.Agent.Limits;
        Assert.Equal(512, limits.Processes);
        Assert.Equal(TimeSpan.FromHours(8), limits.Duration);
    }
}
