using Gatehouse.Policy.Editing;
using Gatehouse.Policy.Parsing;

namespace Gatehouse.Policy.Tests.Editing;

public sealed class PolicyEditorTests
{
    private const string Rule = "{ host: x.test, ports: [443] }";

    [Theory]
    [InlineData("version: 1\n", "version: 1\negress:\n  allow:\n    - R\n")]
    [InlineData("version: 1", "version: 1\negress:\n  allow:\n    - R\n")]
    [InlineData("version: 1 # c\n# end\n", "version: 1 # c\negress:\n  allow:\n    - R\n# end\n")]
    [InlineData("version: 1\negress: {}\n", "version: 1\negress: { allow: [R]}\n")]
    [InlineData("version: 1\negress: { otherwise: ask }\n", "version: 1\negress: { allow: [R], otherwise: ask }\n")]
    [InlineData("egress:\n    otherwise: ask # c\nversion: 1\n", "egress:\n    allow:\n      - R\n    otherwise: ask # c\nversion: 1\n")]
    [InlineData("version: 1\negress:\n  allow: []\n", "version: 1\negress:\n  allow: [ R ]\n")]
    [InlineData("version: 1\negress:\n  allow: [{ host: a.test }] # c\n", "version: 1\negress:\n  allow: [{ host: a.test }, R] # c\n")]
    [InlineData("version: 1\negress:\n  allow: [\n    { host: a.test }, # c\n  ]\n", "version: 1\negress:\n  allow: [\n    { host: a.test }, R, # c\n  ]\n")]
    [InlineData("egress:\n  allow:\n  - host: a.test # c\n    ports: [1] # d\n  # e\nversion: 1\n", "egress:\n  allow:\n  - host: a.test # c\n    ports: [1] # d\n  - R\n  # e\nversion: 1\n")]
    [InlineData("egress:\n  allow:\n    - host: a.test\n  otherwise: ask\nversion: 1\n", "egress:\n  allow:\n    - host: a.test\n    - R\n  otherwise: ask\nversion: 1\n")]
    [InlineData("version: 1\r\negress:\r\n  allow:\r\n    - host: a.test\r\n", "version: 1\r\negress:\r\n  allow:\r\n    - host: a.test\r\n    - R\r\n")]
    [InlineData("\uFEFFversion: 1\negress:\n  allow:\n    - host: a.test\n", "\uFEFFversion: 1\negress:\n  allow:\n    - host: a.test\n    - R\n")]
    [InlineData("version: 1\negress:\n  allow:\n    - { host: \"*.a.test\", ask: true }", "version: 1\negress:\n  allow:\n    - { host: \"*.a.test\", ask: true }\n    - R\n")]
    public void AddEgressRule_AnyForm_AddsOneLineAndNothingElse(string before, string after)
    {
        var (text, error) = PolicyEditor.AddEgressRule(before, "x.test", 443);
        Assert.Null(error);
        Assert.Equal(after.Replace("R", Rule, StringComparison.Ordinal), text);
        Assert.NotNull(PolicyParser.Parse(text!.TrimStart('\uFEFF'), "p").Policy);
    }

    [Theory]
    [InlineData("version: 1\n", "x y", 443)]
    [InlineData("version: 1\n", "x.test: 1\n#", 443)]
    [InlineData("version: 1\n", "*.test", 443)]
    [InlineData("version: 1\n", "x.test", 53)]
    [InlineData("version: 1\n", "x.test", 0)]
    [InlineData("version: 2\n", "x.test", 443)]
    [InlineData("version: 1\n...\n", "x.test", 443)]
    [InlineData("{ version: 1 }\n", "x.test", 443)]
    public void AddEgressRule_NotSafe_IsRefused(string before, string host, int port)
    {
        var (text, error) = PolicyEditor.AddEgressRule(before, host, port);
        Assert.True(text is null || PolicyParser.Parse(text, "p").Policy is not null, text);
        if (text is null)
            Assert.NotNull(error);
    }

    [Fact]
    public void AddEgressRule_AllowedAlready_IsUnchanged() =>
        Assert.Equal("version: 1\negress: { allow: [{ host: x.test }] }\n", PolicyEditor.AddEgressRule("version: 1\negress: { allow: [{ host: x.test }] }\n", "x.test", 443).Text);

    [Theory]
    [InlineData("10.1.2.3", "address: 10.1.2.3/32")]
    [InlineData("2001:db8::1", "address: \"2001:db8::1/128\"")]
    public void AddEgressRule_Address_IsAnAddressRule(string host, string expected) =>
        Assert.Contains(expected, PolicyEditor.AddEgressRule("version: 1\n", host, 22).Text, StringComparison.Ordinal);
}
