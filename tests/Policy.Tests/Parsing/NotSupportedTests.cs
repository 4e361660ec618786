using Gatehouse.Policy.Parsing;
using Gatehouse.Policy.Schema;

namespace Gatehouse.Policy.Tests.Parsing;

/// <summary>Parts that nothing holds yet: checked like all others, then refused.</summary>
public sealed class NotSupportedTests
{
    [Theory]
    [InlineData("agent: { isolation: docker, runtime: »runsc }", "agent.runtime 'runsc'")]
    [InlineData("agent: { isolation: podman, runtime: »kata-fc }", "agent.runtime 'kata-fc'")]
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

    [Theory]
    [InlineData("agent: { limits: { »memory: 4GiB } }", "'memory' can not be held")]
    [InlineData("agent: { limits: { »cpus: 2 } }", "'cpus' can not be held")]
    public void Parse_LimitWithoutACgroup_IsRefused(string marked, string what) =>
        MarkedPolicy.AssertError("version: 1\n" + marked, what, "isolation: docker or podman", PolicyFeatures.Current);

    [Fact]
    public void Parse_Container_IsTakenWithItsLimitsAndPorts()
    {
        var policy = PolicyParser.Parse("version: 1\nagent: { isolation: docker, image: a/b, runtime: crun, limits: { memory: 1GiB, cpus: 1.5 }, publish: [{ inside: 8080, host: \"10.0.0.7:8080\", beyondLoopback: true }] }\nfilesystem: { root: writable, scratch: [{ at: /tmp, size: 1MiB, exec: true }] }", "p").Policy!;
        Assert.Equal(1L << 30, policy.Agent.Limits.Memory);
        Assert.Equal("10.0.0.7:8080", Assert.Single(policy.Agent.Publish).Host.ToString());
        Assert.True(policy.Filesystem.WritableRoot && policy.Filesystem.Scratch[0].Exec);
    }

    [Fact]
    public void Parse_PartOfALaterVersionThatIsWrong_IsReportedForBoth()
    {
        var errors = PolicyParser.Parse("version: 1\nexecution: { allow: [git] }\nagent: { publish: [{ inside: 18789, host: \"0.0.0.0:18789\" }] }", "p").Errors;
        Assert.Equal(2, errors.Length);
        Assert.Contains(errors, error => error.Message.Contains("not supported yet", StringComparison.Ordinal));
        Assert.Contains(errors, error => error.Message.Contains("not on loopback", StringComparison.Ordinal));
    }

    [Fact]
    public void Parse_LimitsThatAreHeld_AreTaken()
    {
        var limits = PolicyParser.Parse("version: 1\nagent: { limits: { processes: 512, duration: 8h } }", "p").Policy!.Agent.Limits;
        Assert.Equal(512, limits.Processes);
        Assert.Equal(TimeSpan.FromHours(8), limits.Duration);
    }
}
