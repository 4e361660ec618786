namespace Gatehouse.Policy.Tests.Parsing;

/// <summary>Errors of <c>egress:</c> beyond its shape.</summary>
public sealed class EgressErrorTests
{
    [Theory]
    [InlineData("»{}", "neither a host nor an address", "host: api.example.com")]
    [InlineData("»{ ports: [443] }", "neither a host nor an address", "host: api.example.com")]
    [InlineData("»{ host: a.example, address: 10.0.0.1 }", "both a host and an address", "two rules")]
    [InlineData("{ host: »10.1.2.3 }", "is an address", "address: 10.1.2.3/32")]
    [InlineData("{ host: »0x7f.1 }", "is an address", "address: 127.0.0.1/32")]
    [InlineData("{ host: »2130706433 }", "is an address", "address: 127.0.0.1/32")]
    [InlineData("{ host: »\"[::1]\" }", "is an address", "address: ::1/128")]
    [InlineData("{ host: »\"::ffff:127.0.0.1\" }", "is an address", "address: 127.0.0.1/32")]
    [InlineData("{ host: »10.0.0.0/8 }", "is not a host name", "address: 10.0.0.0/8")]
    [InlineData("{ host: »1.2.3.4.5 }", "is not a host name", "api.example.com")]
    [InlineData("{ host: »\"https://a.example/x\" }", "is not a host name", "without scheme and path")]
    [InlineData("{ host: »a.example/x }", "is not a host name", "without scheme and path")]
    [InlineData("{ host: »\"a.example:8443\" }", "holds a port", "'host: a.example' and 'ports: [8443]'")]
    [InlineData("{ host: »\"*\" }", "every host", "Name the hosts")]
    [InlineData("{ host: »\"*.com\" }", "top-level domain", "Name the hosts")]
    [InlineData("{ host: »\"a*.example\" }", "star", "*.example.com")]
    [InlineData("{ host: »\"*.*.example\" }", "star", "*.example.com")]
    [InlineData("{ host: »a..example }", "two dots", "single dots")]
    [InlineData("{ host: »a b.example }", "is not a host name", "api.example.com")]
    [InlineData("{ host: »faß.example }", "more than one international name", "xn--")]
    [InlineData("{ host: »secrets.gatehouse }", "Gatehouse's own name", "always there")]
    [InlineData("{ host: »\"*.gatehouse\" }", "Gatehouse's own name", "always there")]
    [InlineData("{ address: »a.example }", "is not an IP address", "'host:'")]
    [InlineData("{ address: »10.0.0.300 }", "is not an IP address", "10.1.2.3/32")]
    [InlineData("{ address: »0x0a.1 }", "easily misread", "Write 10.0.0.1/32.")]
    [InlineData("{ address: »010.0.0.1 }", "easily misread", "Write 8.0.0.1/32.")]
    [InlineData("{ address: »\"::ffff:10.0.0.1\" }", "easily misread", "Write 10.0.0.1/32.")]
    [InlineData("{ address: »\"[::1]\" }", "is not an IP address", "10.1.2.3/32")]
    [InlineData("{ address: »fe80::1%eth0 }", "is not an IP address", "10.1.2.3/32")]
    [InlineData("{ address: »10.0.0.0/33 }", "prefix length", "from 0 to 32")]
    [InlineData("{ address: »10.0.0.0/x }", "prefix length", "from 0 to 32")]
    [InlineData("{ address: »10.0.0.0/ }", "prefix length", "from 0 to 32")]
    [InlineData("{ address: »10.0.0.0/-8 }", "prefix length", "from 0 to 32")]
    [InlineData("{ address: »\"2001:db8::/129\" }", "prefix length", "from 0 to 128")]
    [InlineData("{ address: »10.1.2.3/24 }", "beyond its prefix", "Write 10.1.2.0/24, or 10.1.2.3 alone.")]
    [InlineData("{ address: »0.0.0.0/0 }", "wider than /8", "Name the networks")]
    [InlineData("{ address: »10.0.0.0/7 }", "wider than /8", "Name the networks")]
    [InlineData("{ address: »\"::/0\" }", "wider than /16", "Name the networks")]
    [InlineData("{ address: »198.18.0.1 }", "Gatehouse's own", "host instead")]
    [InlineData("{ address: »198.19.0.0/16 }", "Gatehouse's own", "host instead")]
    [InlineData("{ host: a.example, ports: [»53] }", "resolver's", "Leave it out")]
    [InlineData("{ host: a.example, ports: [443, »3128] }", "proxy's", "Leave it out")]
    [InlineData("{ host: a.example, ports: [443, »443] }", "written twice", "Keep one")]
    [InlineData("{ host: a.example, methods: [»get] }", "in capitals", "Write GET.")]
    [InlineData("{ host: a.example, methods: [»CONNECT] }", "never reaches a server", "Leave it out")]
    [InlineData("{ host: a.example, methods: [»\"*\"] }", "is not an HTTP method", "Name the methods")]
    [InlineData("{ host: a.example, methods: [»\"GE T\"] }", "is not an HTTP method", "GET or POST")]
    [InlineData("{ host: a.example, paths: [»v1] }", "does not begin with a slash", "Write /v1.")]
    [InlineData("{ host: a.example, paths: [»\"/v1?x=1\"] }", "query", "path alone")]
    [InlineData("{ host: a.example, paths: [»\"/a**\"] }", "segment of its own", "/v1/**")]
    [InlineData("{ host: a.example, paths: [»/a/../b] }", "matches no request", "normalisation")]
    [InlineData("{ host: a.example, paths: [»/a//b] }", "matches no request", "normalisation")]
    [InlineData("{ host: a.example, paths: [»/%61] }", "matches no request", "Write /a.")]
    [InlineData("{ host: a.example, connect: »\"b.example:443\" }", "is not an IP address and port", "127.0.0.1:8443")]
    [InlineData("{ host: a.example, connect: »127.0.0.1 }", "is not an IP address and port", "127.0.0.1:8443")]
    [InlineData("{ host: a.example, connect: »\"127.0.0.1:0\" }", "is not an IP address and port", "127.0.0.1:8443")]
    [InlineData("{ host: a.example, connect: »\"127.0.0.1:65536\" }", "is not an IP address and port", "127.0.0.1:8443")]
    [InlineData("{ host: a.example, connect: »\"::1:8443\" }", "is not an IP address and port", "[::1]:8443")]
    [InlineData("{ host: a.example, trust: »~other/ca.pem }", "home of another user", "absolute path")]
    [InlineData("{ host: a.example, trust: »\"${HOME}/ca.pem\" }", "not replaced in paths", "below ~")]
    [InlineData("{ address: 10.0.0.1, »methods: [GET] }", "needs a host name", "remove the key")]
    [InlineData("{ address: 10.0.0.1, »connect: \"127.0.0.1:1\" }", "needs a host name", "remove the key")]
    [InlineData("{ host: a.example }, »{ host: A.example., ports: [443] }", "decided by egress.allow[0] a.example already", "one rule of the two")]
    [InlineData("{ address: 10.0.0.1 }, »{ address: 10.0.0.1/32 }", "decided by egress.allow[0] 10.0.0.1/32 already", "one rule of the two")]
    public void Parse_EgressRule_SaysWhereAndWhatToWrite(string marked, string message, string fix) =>
        MarkedPolicy.AssertError($"version: 1\negress: {{ allow: [{marked}] }}", message, fix);

    [Theory]
    [InlineData("{ host: a.example, ports: 22 }")]
    [InlineData("{ host: a.example, ports: [1, 65535] }")]
    [InlineData("{ host: a.example, methods: GET, paths: /v1 }")]
    [InlineData("{ host: a.example, connect: \"[::1]:8443\" }")]
    [InlineData("{ host: a.example }, { host: a.example, ports: [22] }")]
    [InlineData("{ host: a.example }, { host: \"*.a.example\" }")]
    [InlineData("{ host: localhost }")]
    [InlineData("{ host: bücher.example }")]
    [InlineData("{ address: 10.0.0.0/8 }")]
    [InlineData("{ address: 127.0.0.1, ports: [5432] }")]
    [InlineData("{ address: \"2001:db8::/32\" }")]
    [InlineData("{ address: 198.20.0.1 }")]
    public void Parse_EgressRule_IsTaken(string rule) =>
        Assert.Empty(Policy.Parsing.PolicyParser.Parse($"version: 1\negress: {{ allow: [{rule}] }}", "p", Policy.Schema.PolicyFeatures.All).Errors);

    [Fact]
    public void Parse_OverAHundredPorts_IsRefusedAtTheFirstTooMany()
    {
        string Rule(int index, int from, int count) => $"{{ host: h{index}.example, ports: [{string.Join(", ", Enumerable.Range(from, count))}] }}";
        var hundred = $"{Rule(0, 1000, 60)}, {Rule(1, 2000, 38)}, {{ host: web.example }}";
        Assert.Empty(Policy.Parsing.PolicyParser.Parse($"version: 1\negress: {{ allow: [{hundred}] }}", "p").Errors);
        MarkedPolicy.AssertError($"version: 1\negress: {{ allow: [{hundred}, {{ host: a.example, ports: [1000, »9000, 9001] }}] }}", "more than 100 different ports", "Leave some out");
        MarkedPolicy.AssertError($"version: 1\negress: {{ allow: [{Rule(0, 1000, 99)}, »{{ host: web.example }}] }}", "more than 100 different ports", "443 and 80 count");
    }
}
