using Gatehouse.Policy;
using Gatehouse.SecretsGateway.Calls;
using Gatehouse.SecretsGateway.Tests.Support;
using Microsoft.AspNetCore.Http;

namespace Gatehouse.SecretsGateway.Tests.Calls;

public class CallDeciderTests
{
    private static readonly AgentPolicy s_policy = Policies.Parse(Policies.Yaml("https://api.example.com/base", """
        { method: POST, path: /v1/messages, headers: { anthropic-version: "2023-*", anthropic-beta: [tools-*, cache] } }
        { method: GET, path: /v1/models/* }
        { method: [GET, DELETE], path: /v1/files/**, query: { limit: "*", order: [asc, desc], after: "f-*" } }
        { method: GET, path: /v1/*-public }
        """));

    [Theory]
    [InlineData("secrets.gatehouse", "GET", "/api/v1/models/x")]
    [InlineData("secrets.gatehouse:80", "GET", "/api/v1/models/x")]
    [InlineData("SECRETS.gatehouse", "GET", "/api/v1/models/x")]
    [InlineData("198.18.0.1", "GET", "/api/v1/models/x")]
    [InlineData("198.18.0.1:80", "GET", "/api/v1/models/x?a=1&a=2;b&c")]
    [InlineData("secrets.gatehouse", "GET", "/%61pi/v1/mod%65ls/x")]
    [InlineData("secrets.gatehouse", "GET", "/api/v1/files/x")]
    [InlineData("secrets.gatehouse", "DELETE", "/api/v1/files/a/b/c")]
    [InlineData("secrets.gatehouse", "GET", "/api/v1/files/x?limit=10&order=asc")]
    [InlineData("secrets.gatehouse", "GET", "/api/v1/files/x?%6Fr%64er=%61sc&after=f-%C3%A9")]
    [InlineData("secrets.gatehouse", "GET", "/api/v1/files/x?limit")]
    internal void Call_ThatARuleNames_IsAllowed(string host, string method, string target) =>
        Assert.Equal(CallDenial.None, Decide(host, method, target).Denial);

    [Theory]
    [InlineData("", CallDenial.Host)]
    [InlineData("evil.test", CallDenial.Host)]
    [InlineData("secrets.gatehouse.", CallDenial.Host)]
    [InlineData("secrets.gatehouse:8080", CallDenial.Host)]
    [InlineData("secrets.gatehouse:080", CallDenial.Host)]
    [InlineData("secrets.gatehouse@evil.test", CallDenial.Host)]
    [InlineData("x.secrets.gatehouse", CallDenial.Host)]
    [InlineData("198.18.0.2", CallDenial.Host)]
    [InlineData("api.example.com", CallDenial.Host)]
    internal void Host_OfAnotherServer_IsMisdirected(string host, CallDenial denial) =>
        Assert.Equal(denial, Decide(host, "GET", "/api/v1/models/x").Denial);

    [Theory]
    [InlineData("http://secrets.gatehouse/api/v1/models/x", CallDenial.Target)]
    [InlineData("http://evil.test/api/v1/models/x", CallDenial.Target)]
    [InlineData("secrets.gatehouse:80", CallDenial.Target)]
    [InlineData("*", CallDenial.Target)]
    [InlineData("", CallDenial.Target)]
    [InlineData("//evil.test/v1/models/x", CallDenial.AmbiguousPath)]
    [InlineData("//api/v1/models/x", CallDenial.AmbiguousPath)]
    [InlineData("/api//v1/models/x", CallDenial.AmbiguousPath)]
    [InlineData("/api/v1/models/../files", CallDenial.AmbiguousPath)]
    [InlineData("/api/v1/models/%2e%2e/files", CallDenial.AmbiguousPath)]
    [InlineData("/api/v1/models/%2E./files", CallDenial.AmbiguousPath)]
    [InlineData("/api/v1/models/..;/files", CallDenial.AmbiguousPath)]
    [InlineData("/api/v1/models/x%2fy", CallDenial.AmbiguousPath)]
    [InlineData("/api/v1/models/x%5Cy", CallDenial.AmbiguousPath)]
    [InlineData("/api/v1/models\\x", CallDenial.AmbiguousPath)]
    [InlineData("/api/v1/models/%252e%252e/files", CallDenial.AmbiguousPath)]
    [InlineData("/api/v1/models/x%00", CallDenial.AmbiguousPath)]
    [InlineData("/api/v1/models/x%0d%0ax-api-key:%20y", CallDenial.AmbiguousPath)]
    [InlineData("/api/v1/models/x%zz", CallDenial.AmbiguousPath)]
    [InlineData("/api/v1/admin;-public", CallDenial.AmbiguousPath)]
    [InlineData("/api/v1/admin%3b-public", CallDenial.AmbiguousPath)]
    [InlineData("/api;x/v1/models/x", CallDenial.AmbiguousPath)]
    [InlineData("/api/v1/models/x#y", CallDenial.AmbiguousPath)]
    [InlineData("/", CallDenial.UnknownSecret)]
    [InlineData("/other/v1/models/x", CallDenial.UnknownSecret)]
    [InlineData("/API/v1/models/x", CallDenial.UnknownSecret)]
    [InlineData("/api2/v1/models/x", CallDenial.UnknownSecret)]
    [InlineData("/api", CallDenial.Path)]
    [InlineData("/api/", CallDenial.Path)]
    [InlineData("/api/V1/models/x", CallDenial.Path)]
    [InlineData("/api/v1/Models/x", CallDenial.Path)]
    [InlineData("/api/v1/models", CallDenial.Path)]
    [InlineData("/api/v1/models/x/", CallDenial.Path)]
    [InlineData("/api/v1/models/x/y", CallDenial.Path)]
    [InlineData("/api/base/v1/models/x", CallDenial.Path)]
    [InlineData("/api/v1/messages", CallDenial.Path)]
    [InlineData("/api/v1/models/x?a=%zz", CallDenial.AmbiguousQuery)]
    [InlineData("/api/v1/models/x?a=<b>", CallDenial.AmbiguousQuery)]
    [InlineData("/api/v1/files/x?limit=1&limit=2", CallDenial.AmbiguousQuery)]
    [InlineData("/api/v1/files/x?limit=1&%6Cimit=2", CallDenial.AmbiguousQuery)]
    [InlineData("/api/v1/files/x?limit=1;admin=1", CallDenial.AmbiguousQuery)]
    [InlineData("/api/v1/files/x?limit=a+b", CallDenial.AmbiguousQuery)]
    [InlineData("/api/v1/files/x?limit=1&", CallDenial.AmbiguousQuery)]
    [InlineData("/api/v1/files/x?=1", CallDenial.AmbiguousQuery)]
    [InlineData("/api/v1/files/x?limit=%00", CallDenial.AmbiguousQuery)]
    [InlineData("/api/v1/files/x?limit=%C0%AE", CallDenial.AmbiguousQuery)]
    [InlineData("/api/v1/files/x?admin=1", CallDenial.Query)]
    [InlineData("/api/v1/files/x?Limit=1", CallDenial.Query)]
    [InlineData("/api/v1/files/x?order=ASC", CallDenial.Query)]
    [InlineData("/api/v1/files/x?limit=1&order=descending", CallDenial.Query)]
    internal void Target_ThatNoRuleNames_IsDenied(string target, CallDenial denial) =>
        Assert.Equal(denial, Decide("secrets.gatehouse", "GET", target).Denial);

    [Theory]
    [InlineData("PUT", CallDenial.Method)]
    [InlineData("get", CallDenial.Method)]
    [InlineData("HEAD", CallDenial.Method)]
    [InlineData("TRACE", CallDenial.Method)]
    [InlineData("POST", CallDenial.Path)]
    internal void Method_ThatNoRuleNames_IsDenied(string method, CallDenial denial) =>
        Assert.Equal(denial, Decide("secrets.gatehouse", method, "/api/v1/models/x").Denial);

    [Fact]
    public void Trace_EvenWhenARuleNamesIt_IsDenied()
    {
        // It would answer with the request, credential and all.
        var secret = s_policy.Secrets[0];
        var policy = s_policy with { Secrets = [secret with { Allow = [secret.Allow[1] with { Methods = ["TRACE"] }] }] };
        Assert.Equal(CallDenial.Method, CallDecider.Decide(policy, Call("secrets.gatehouse", "TRACE", "/api/v1/models/x")).Denial);
    }

    [Theory]
    [InlineData(CallDenial.None, "anthropic-version: 2023-06-01", "anthropic-beta: cache")]
    [InlineData(CallDenial.None, "Anthropic-Version: 2023-06-01", "anthropic-beta: tools-1, cache")]
    [InlineData(CallDenial.None, "anthropic-version: 2023-06-01", "anthropic-beta: tools-1", "anthropic-beta: cache")]
    [InlineData(CallDenial.Header)]
    [InlineData(CallDenial.Header, "anthropic-version: 2023-06-01")]
    [InlineData(CallDenial.Header, "anthropic-version: 2024-06-01", "anthropic-beta: cache")]
    [InlineData(CallDenial.Header, "anthropic-version: ", "anthropic-beta: cache")]
    [InlineData(CallDenial.Header, "anthropic-version: 2023-06-01", "anthropic-beta: tools-1, computer-use")]
    [InlineData(CallDenial.Header, "anthropic-version: 2023-06-01", "anthropic-beta: cache", "anthropic-beta: computer-use")]
    internal void Headers_AgainstARule_AreWantedWithEveryElementAllowed(CallDenial denial, params string[] headers) =>
        Assert.Equal(denial, CallDecider.Decide(s_policy, Call("secrets.gatehouse", "POST", "/api/v1/messages", headers)).Denial);

    [Theory]
    [InlineData(CallDenial.None, "Connection: keep-alive")]
    [InlineData(CallDenial.None, "Connection: TE, close")]
    [InlineData(CallDenial.None, "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c")]
    [InlineData(CallDenial.NominatedHeader, "Connection: x-api-key")]
    [InlineData(CallDenial.NominatedHeader, "Connection: close, X-Api-Key")]
    [InlineData(CallDenial.NominatedHeader, "Connection: close", "Connection: content-length")]
    [InlineData(CallDenial.Upgrade, "Connection: Upgrade", "Upgrade: websocket")]
    [InlineData(CallDenial.Upgrade, "Upgrade: h2c, websocket")]
    [InlineData(CallDenial.AmbiguousFraming, "Transfer-Encoding: chunked", "X-Content-Length: 5")]
    internal void Framing_OfTheRequest_IsPlain(CallDenial denial, params string[] headers) =>
        Assert.Equal(denial, CallDecider.Decide(s_policy, Call("secrets.gatehouse", "GET", "/api/v1/models/x", headers)).Denial);

    [Fact]
    public void Path_ThatIsForwarded_IsTheOneThatWasChecked()
    {
        Assert.Equal("/v1/models/x%20y~", Decide("secrets.gatehouse", "GET", "/%61pi/v1/models/x%20y%7e").Path);
        Assert.Equal("secrets[0].allow[1] GET /v1/models/*", Decide("secrets.gatehouse", "GET", "/api/v1/models/x").Rule);
    }

    [Fact]
    public void Rule_WithABodyOrALimit_IsNotIgnored()
    {
        var secret = s_policy.Secrets[0];
        var limited = s_policy with { Secrets = [secret with { Limits = new(10, null, null) }] };
        Assert.Equal(CallDenial.Unenforceable, CallDecider.Decide(limited, Call("secrets.gatehouse", "GET", "/api/v1/models/x")).Denial);
    }

    [Fact]
    public void Denials_HaveOneStableAnswerEach()
    {
        var denials = Enum.GetValues<CallDenial>().Except([CallDenial.None, CallDenial.Error]).ToList();
        Assert.Equal(denials.Count, denials.Select(CallAnswers.Word).Distinct().Count());
        Assert.All(denials, denial =>
        {
            Assert.InRange(CallAnswers.Status(denial), 400, 503);
            Assert.NotEqual("denied", CallAnswers.Reason(denial, "api"));
            Assert.EndsWith(".", CallAnswers.Ask(denial, "api"), StringComparison.Ordinal);
        });
        Assert.Equal(403, CallAnswers.Status(CallDenial.Error));
    }

    private static CallDecision Decide(string host, string method, string target) => CallDecider.Decide(s_policy, Call(host, method, target));

    private static SecretCall Call(string host, string method, string target, params string[] lines)
    {
        var headers = new HeaderDictionary();
        foreach (var line in lines)
            headers.Append(line[..line.IndexOf(':', StringComparison.Ordinal)], line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim());
        var question = target.IndexOf('?', StringComparison.Ordinal);
        return new(host, method, question < 0 ? target : target[..question], question < 0 ? "" : target[question..], headers);
    }
}
