namespace Gatehouse.Policy.Tests.Parsing;

/// <summary>Errors of <c>agent:</c>, <c>filesystem:</c> and <c>execution:</c> beyond their shape.</summary>
public sealed class AgentErrorTests
{
    [Theory]
    [InlineData("command: »[\"\"]", "no program", "name first")]
    [InlineData("»image: x", "means nothing with isolation: bubblewrap", "docker or podman")]
    [InlineData("isolation: bubblewrap, »runtime: runc", "means nothing with isolation: bubblewrap", "docker or podman")]
    [InlineData("environment: { »1A: x }", "is not the name of an environment variable", "letters, digits")]
    [InlineData("environment: { »A-B: x }", "is not the name of an environment variable", "letters, digits")]
    [InlineData("environment: { »\"A=B\": x }", "is not the name of an environment variable", "letters, digits")]
    [InlineData("environment: { »\"\": x }", "is not the name of an environment variable", "letters, digits")]
    [InlineData("environment: { »HTTPS_PROXY: x }", "is set by Gatehouse", "Leave it out")]
    [InlineData("environment: { »no_proxy: x }", "is set by Gatehouse", "Leave it out")]
    [InlineData("environment: { »All_Proxy: x }", "is set by Gatehouse", "Leave it out")]
    [InlineData("environment: { »NODE_EXTRA_CA_CERTS: x }", "is set by Gatehouse", "Leave it out")]
    [InlineData("environment: { »SSL_CERT_FILE: x }", "is set by Gatehouse", "Leave it out")]
    [InlineData("environment: { »GATEHOUSE_RUN: x }", "Gatehouse's own", "Leave it out")]
    [InlineData("environment: { A: »\"${\" }", "is not a reference", "${NAME}")]
    [InlineData("environment: { A: »\"${}\" }", "is not a reference", "${NAME}")]
    [InlineData("environment: { A: »\"${1A}\" }", "is not a reference", "${NAME}")]
    [InlineData("environment: { A: »\"${HOME:-x}\" }", "is not a reference", "${NAME}")]
    [InlineData("environment: { A: »\"${HOME}${X\" }", "is not a reference", "${NAME}")]
    [InlineData("publish: [{ inside: »443, host: \"127.0.0.1:1\" }]", "can not be '443'", "from 1024 to 65535")]
    [InlineData("publish: [{ inside: »3128, host: \"127.0.0.1:1\" }]", "is a gate's", "another port")]
    [InlineData("publish: [{ inside: 8000, host: »8000 }]", "is not an IP address and port", "127.0.0.1:18789")]
    [InlineData("publish: [{ inside: 8000, host: »\"localhost:8000\" }]", "is not an IP address and port", "127.0.0.1:18789")]
    [InlineData("publish: [{ inside: 8000, host: »\"0.0.0.0:8000\" }]", "is not on loopback", "127.0.0.1 or [::1]")]
    [InlineData("publish: [{ inside: 8000, host: »\"192.168.1.1:8000\" }]", "is not on loopback", "127.0.0.1 or [::1]")]
    [InlineData("publish: [{ inside: 8000, host: \"127.0.0.1:1\" }, { inside: »8000, host: \"127.0.0.1:2\" }]", "published twice", "Keep one")]
    [InlineData("publish: [{ inside: 8000, host: \"127.0.0.1:1\" }, { inside: 8001, host: »\"127.0.0.1:1\" }]", "published twice", "Keep one")]
    public void Parse_Agent_SaysWhereAndWhatToWrite(string marked, string message, string fix) =>
        MarkedPolicy.AssertError($"version: 1\nagent: {{ {marked} }}", message, fix);

    [Fact]
    public void Parse_PublishedPortThatARuleNames_IsRefused() =>
        MarkedPolicy.AssertError("version: 1\nagent: { publish: [{ inside: »8443, host: \"127.0.0.1:1\" }] }\negress: { allow: [{ host: a.example, ports: [8443] }] }", "is a gate's", "another port");

    [Theory]
    [InlineData("LD_PRELOAD: x.so")]
    [InlineData("LD_LIBRARY_PATH: /x")]
    [InlineData("PATH: /bin, HOME: /x, _: y, a1: z")]
    [InlineData("A: \"$HOME $ {x} ${HOME}${USER}\"")]
    public void Parse_Environment_IsTaken(string entries) =>
        Assert.Empty(Policy.Parsing.PolicyParser.Parse($"version: 1\nagent: {{ environment: {{ {entries} }} }}", "p").Errors);

    [Theory]
    [InlineData("»docs", "not an absolute path", "Write /docs.")]
    [InlineData("»~/docs", "not an absolute path", "home is not yours")]
    [InlineData("»/", "over the root", "/workspace")]
    [InlineData("»//", "not a normalised path", "slash at the end")]
    [InlineData("»/docs/", "not a normalised path", "slash at the end")]
    [InlineData("»/a//b", "not a normalised path", "empty segments")]
    [InlineData("»/a/./b", "not a normalised path", "'.'")]
    [InlineData("»/a/../etc", "not a normalised path", "'..'")]
    [InlineData("»/proc", "cover /proc", "another place")]
    [InlineData("»/proc/self", "cover /proc", "another place")]
    [InlineData("»/dev/shm", "cover /dev", "another place")]
    [InlineData("»/sys", "cover /sys", "another place")]
    [InlineData("»/usr/local", "cover /usr", "another place")]
    [InlineData("»/etc", "cover /etc", "another place")]
    [InlineData("»/bin", "cover /bin", "another place")]
    [InlineData("»/sbin", "cover /sbin", "another place")]
    [InlineData("»/lib", "cover /lib", "another place")]
    [InlineData("»/lib64", "cover /lib64", "another place")]
    [InlineData("»/run", "cover /run/gatehouse", "another place")]
    [InlineData("»/run/gatehouse", "cover /run/gatehouse", "another place")]
    [InlineData("»/run/gatehouse/x", "cover /run/gatehouse", "another place")]
    [InlineData("»/taken", "not beside '/taken', which is on line 3", "side by side")]
    [InlineData("»/taken/below", "not beside '/taken'", "side by side")]
    public void Parse_MountPoint_SaysWhereAndWhatToWrite(string marked, string message, string fix) =>
        MarkedPolicy.AssertError($"version: 1\nfilesystem:\n  inputs: [{{ host: x, at: /taken }}]\n  scratch: [{{ at: {marked}, size: 1MiB }}]", message, fix);

    [Theory]
    [InlineData("/process")]
    [InlineData("/libs")]
    [InlineData("/run/user")]
    [InlineData("/taken2")]
    [InlineData("/home/agent/x")]
    [InlineData("/...")]
    public void Parse_MountPoint_IsTaken(string at) =>
        Assert.Empty(Policy.Parsing.PolicyParser.Parse($"version: 1\nfilesystem:\n  inputs: [{{ host: x, at: /taken }}]\n  scratch: [{{ at: {at}, size: 1MiB }}]", "p").Errors);

    [Theory]
    [InlineData("»\"/etc\"", "begins with a slash", "Write etc.")]
    [InlineData("»\"a/../b\"", "not a normalised path", "'..'")]
    [InlineData("»\"a/\"", "not a normalised path", "slash at the end")]
    [InlineData("»\"a**\"", "segment of its own", "**/.env")]
    public void Parse_Hide_SaysWhereAndWhatToWrite(string marked, string message, string fix) =>
        MarkedPolicy.AssertError($"version: 1\nfilesystem: {{ hide: [{marked}] }}", message, fix);

    [Theory]
    [InlineData("git, »git", "written twice", "Keep one")]
    [InlineData("»bin/git", "is not a program", "/usr/bin/git")]
    [InlineData("»../git", "is not a program", "/usr/bin/git")]
    [InlineData("»/usr/../bin/git", "is not a program", "/usr/bin/git")]
    [InlineData("»/", "is not a program", "/usr/bin/git")]
    [InlineData("»..", "is not a program", "/usr/bin/git")]
    public void Parse_Execution_SaysWhereAndWhatToWrite(string marked, string message, string fix) =>
        MarkedPolicy.AssertError($"version: 1\nexecution: {{ allow: [{marked}] }}", message, fix);

    [Fact]
    public void Parse_ExecutionWithAnEmptyList_AllowsNothingRatherThanEverything()
    {
        var policy = Policy.Parsing.PolicyParser.Parse("version: 1\nexecution: { allow: [] }", "p", Policy.Schema.PolicyFeatures.All).Policy!;
        Assert.False(policy.AllowedCommands.IsDefault);
        Assert.Empty(policy.AllowedCommands);
    }
}
