using System.Net;
using Gatehouse.SecretsGateway.Credentials;
using Gatehouse.SecretsGateway.Forwarding;
using Gatehouse.SecretsGateway.Tests.Support;

namespace Gatehouse.SecretsGateway.Tests.Forwarding;

public class HeaderAndAddressTests
{
    private const string Upstream = "https://api.example.com/base/";

    [Theory]
    [InlineData("x-my-key", true)]
    [InlineData("X-MY-KEY", true)]
    [InlineData("X_My_Key", true)]
    [InlineData("authorization", true)]
    [InlineData("X_API_KEY", true)]
    [InlineData("Cookie", true)]
    [InlineData("Proxy-Anything", true)]
    [InlineData("X-Forwarded-Server", true)]
    [InlineData("x_forwarded_for", true)]
    [InlineData("X-HTTP-Method-Override", true)]
    [InlineData("Sec-WebSocket-Key", true)]
    [InlineData("traceparent", true)]
    [InlineData("x-my-keys", false)]
    [InlineData("content-type", false)]
    [InlineData("Content-Length", false)]
    [InlineData("anthropic-version", false)]
    [InlineData("Accept-Encoding", true)]
    [InlineData("accept_encoding", true)]
    [InlineData("Range", true)]
    [InlineData("Accept", false)]
    [InlineData("User-Agent", false)]
    public void Header_OfTheAgent_IsStrippedInEverySpelling(string name, bool stripped) => Assert.Equal(stripped, AgentHeaders.IsStripped(name, "X-My-Key"));

    [Theory]
    [InlineData("https://api.example.com/base/v2/x?y=1#z", "http://secrets.gatehouse/api/v2/x?y=1#z")]
    [InlineData("https://API.example.com:443/base", "http://secrets.gatehouse/api")]
    [InlineData("/base/v2", "http://secrets.gatehouse/api/v2")]
    [InlineData("other", "http://secrets.gatehouse/api/v1/other")]
    [InlineData("?page=2", "http://secrets.gatehouse/api/v1/x?page=2")]
    [InlineData("https://api.example.com/other", null)]
    [InlineData("https://api.example.com/baseless", null)]
    [InlineData("/v2", null)]
    [InlineData("../../v2", null)]
    [InlineData("http://api.example.com/base/v2", null)]
    [InlineData("https://api.example.com:8443/base/v2", null)]
    [InlineData("https://user@api.example.com/base/v2", null)]
    [InlineData("//evil.test/base/v2", null)]
    [InlineData("https://evil.test/base/v2", null)]
    [InlineData("https://api.example.com.evil.test/base", null)]
    [InlineData("https://[bad", null)]
    [InlineData("javascript:alert(1)", null)]
    public void Redirect_LeadsThroughTheGatewayOrNowhere(string location, string? wanted)
    {
        var secret = Policies.Parse(Policies.Yaml(Upstream)).Secrets[0];
        var found = Redirect.TryRewrite(location, new Uri("https://api.example.com/base/v1/x"), secret, out var rewritten);
        Assert.Equal(wanted, found ? rewritten : null);
    }

    [Fact]
    public void Answer_ThatShowsTheCredential_LosesThatHeader()
    {
        using var credential = SecretValue.TryCreate("sk-1234", out _)!;
        using var response = new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent("x"), ReasonPhrase = "sk-1234" };
        foreach (var (name, value) in new (string, string)[]
        {
            ("X-Echo", "Bearer sk-1234"), ("X-Sk-1234", "fine"), ("x-sk-1234", "y"), ("X-Fine", "fine"), ("Set-Cookie", "a=b"), ("Connection", "close, X-Hop"),
            ("X-Hop", "1"), ("Alt-Svc", "h3=\":443\""), ("Strict-Transport-Security", "max-age=1"), ("Location", "https://evil.test/sk-1234"),
        })
            Assert.True(response.Headers.TryAddWithoutValidation(name, value));
        response.Content.Headers.TryAddWithoutValidation("Content-Language", "sk-1234");
        var (removed, reflected) = UpstreamHeaders.Prune(response, new Uri(Upstream), Policies.Parse(Policies.Yaml(Upstream)).Secrets[0], credential);
        Assert.Equal(["X-Fine"], response.Headers.NonValidated.Select(header => header.Key).Where(name => !name.StartsWith("X-Sk", StringComparison.OrdinalIgnoreCase)));
        Assert.DoesNotContain("Content-Language", response.Content.Headers.NonValidated.Select(header => header.Key));
        Assert.Contains("X-Echo", removed);
        Assert.Contains("Location", removed);
        Assert.Equal(["(status)", "Content-Language", "Location", "X-Echo"], reflected.Order(StringComparer.Ordinal));
        Assert.DoesNotContain(removed, name => name.Contains("sk-1234", StringComparison.Ordinal));
        Assert.Equal("OK", response.ReasonPhrase);
    }

    [Theory]
    [InlineData("api.example.com", "93.184.216.34", true)]
    [InlineData("api.example.com", "127.0.0.1", false)]
    [InlineData("api.example.com", "::ffff:127.0.0.1", false)]
    [InlineData("api.example.com", "10.0.0.1", false)]
    [InlineData("api.example.com", "169.254.169.254", false)]
    [InlineData("api.example.com", "::1", false)]
    [InlineData("api.example.com", "fe80::1", false)]
    [InlineData("api.example.com", "100.64.0.1", false)]
    [InlineData("api.example.com", "10.9.9.9", true)]
    [InlineData("localhost", "127.0.0.1", true)]
    [InlineData("localhost", "::1", true)]
    [InlineData("localhost", "10.0.0.1", false)]
    [InlineData("localhost", "93.184.216.34", false)]
    [InlineData("127.0.0.1", "127.0.0.1", true)]
    [InlineData("127.0.0.1", "::ffff:127.0.0.1", true)]
    [InlineData("10.0.0.7", "10.0.0.7", true)]
    [InlineData("10.0.0.7", "10.0.0.8", false)]
    public void Address_OfAnUpstream_IsPublicOrWrittenByAPerson(string host, string address, bool permitted)
    {
        var policy = Policies.Parse("version: 1\negress:\n  allow:\n    - { address: 10.9.9.9/32, ports: [5432] }\n");
        Assert.Equal(permitted, UpstreamAddress.IsPermitted(policy, host, IPAddress.Parse(address)));
    }
}
