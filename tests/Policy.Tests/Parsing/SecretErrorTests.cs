using Gatehouse.Policy.Parsing;
using Gatehouse.Policy.Schema;

namespace Gatehouse.Policy.Tests.Parsing;

/// <summary>Errors of <c>secrets:</c> beyond their shape. Each case replaces one line of a secret that is right.</summary>
public sealed class SecretErrorTests
{
    private static readonly (string Key, string Value)[] Right =
    [
        ("name", "api"),
        ("upstream", "https://api.example.com"),
        ("from", "env:API_KEY"),
        ("inject", "{ header: authorization, value: \"Bearer {secret}\" }"),
        ("expose", "{ API_URL: \"{url}\" }"),
        ("allow", "[{ method: GET, path: /v1 }]"),
    ];

    [Theory]
    [InlineData("name", "»API", "can not name a secret", "small letters")]
    [InlineData("name", "»a_b", "can not name a secret", "small letters")]
    [InlineData("name", "»a/b", "can not name a secret", "small letters")]
    [InlineData("name", "»aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "longer than 40", "Shorten")]
    [InlineData("upstream", "»http://api.example.com", "in clear", "https")]
    [InlineData("upstream", "»http://localhost.example.com", "in clear", "https")]
    [InlineData("upstream", "»http://10.0.0.1", "in clear", "https")]
    [InlineData("upstream", "»http://0.0.0.0", "in clear", "https")]
    [InlineData("upstream", "»ftp://api.example.com", "is not an https URL", "https://api.example.com")]
    [InlineData("upstream", "»api.example.com", "is not an https URL", "https://api.example.com")]
    [InlineData("upstream", "»HTTPS://api.example.com", "is not an https URL", "https://api.example.com")]
    [InlineData("upstream", "»https://user:hunter2@api.example.com", "user name", "from:")]
    [InlineData("upstream", "»https://api.example.com?x=1", "query", "https://api.example.com")]
    [InlineData("upstream", "»\"https://api.example.com#x\"", "fragment", "https://api.example.com")]
    [InlineData("upstream", "»'https://api.example.com\\x'", "backslash", "https://api.example.com")]
    [InlineData("upstream", "»https://", "no valid host", "https://api.example.com")]
    [InlineData("upstream", "»https:///v1", "no valid host", "https://api.example.com")]
    [InlineData("upstream", "»https://api.example.com:0", "no valid host", "https://api.example.com")]
    [InlineData("upstream", "»https://api.example.com:65536", "no valid host", "https://api.example.com")]
    [InlineData("upstream", "»https://::1", "no valid host", "https://api.example.com")]
    [InlineData("upstream", "»https://a b.example", "no valid host", "https://api.example.com")]
    [InlineData("upstream", "»https://api.example.com/a/../b", "no usable path", "https://api.example.com")]
    [InlineData("upstream", "»https://api.example.com//b", "no usable path", "https://api.example.com")]
    [InlineData("upstream", "»https://secrets.gatehouse", "Gatehouse itself", "https://api.example.com")]
    [InlineData("from", "»sk-ant-0123456789", "does not say where", "env:NAME or file:PATH")]
    [InlineData("from", "»evn:API_KEY", "does not say where", "Write 'env:…'")]
    [InlineData("from", "»\"env:\"", "not the name of a variable", "env:NAME")]
    [InlineData("from", "»env:sk-ant-0123456789", "not the name of a variable", "env:NAME")]
    [InlineData("from", "»\"file:\"", "names no file", "file:PATH")]
    [InlineData("from", "»file:~root/key", "home of another user", "absolute")]
    [InlineData("from", "»\"command: \"", "names no command", "command:PROGRAM")]
    [InlineData("from", "»vault:http://vault.example.com", "in clear", "https")]
    [InlineData("from", "»azure-keyvault:kv", "is not an https URL", "https://")]
    [InlineData("inject", "{ header: »\"a b\", value: \"{secret}\" }", "not the name of a header", "x-api-key")]
    [InlineData("inject", "{ header: »\"a:\", value: \"{secret}\" }", "not the name of a header", "x-api-key")]
    [InlineData("inject", "{ header: »Host, value: \"{secret}\" }", "shapes the message", "authorization")]
    [InlineData("inject", "{ header: »content-length, value: \"{secret}\" }", "shapes the message", "authorization")]
    [InlineData("inject", "{ header: »Transfer-Encoding, value: \"{secret}\" }", "shapes the message", "authorization")]
    [InlineData("inject", "{ header: »connection, value: \"{secret}\" }", "shapes the message", "authorization")]
    [InlineData("inject", "{ header: a, value: »Bearer }", "does not say where", "{secret}")]
    [InlineData("inject", "{ header: a, value: »\"{secret}{secret}\" }", "more than once", "once")]
    [InlineData("inject", "{ header: a, value: »\"{secret}\\r\\nX: y\" }", "can not carry", "printable")]
    [InlineData("inject", "{ header: a, value: »\"{secret} \" }", "can not carry", "printable")]
    [InlineData("inject", "{ header: a, value: »{secret} }", "can not be a mapping", "\"Bearer {secret}\"")]
    [InlineData("inject", "»{ header: a }", "inject has no 'value'", "{secret}")]
    [InlineData("expose", "{ »1X: y }", "is not the name of an environment variable", "letters")]
    [InlineData("expose", "{ »http_proxy: y }", "is set by Gatehouse", "Leave it out")]
    [InlineData("expose", "{ X: »\"{secret}\" }", "never exposed", "placeholder")]
    [InlineData("expose", "{ X: »\"${HOME}\" }", "not replaced", "agent.environment")]
    [InlineData("expose", "{ »TAKEN: y }", "agent.environment too", "Keep one")]
    [InlineData("allow", "»[]", "allow is empty", "Name something")]
    [InlineData("allow", "[»{ method: GET }]", "has no 'path'", "path: /v1/messages")]
    [InlineData("allow", "[»{ path: /v1 }]", "has no 'method'", "method: GET")]
    [InlineData("allow", "[{ method: »post, path: /v1 }]", "capitals", "Write POST.")]
    [InlineData("allow", "[{ method: [GET, »\"\"], path: /v1 }]", "is empty", "GET")]
    [InlineData("allow", "[{ method: GET, path: »v1 }]", "begin with a slash", "/v1")]
    [InlineData("allow", "[{ method: GET, path: /v1, headers: { »\"a b\": x } }]", "not the name of a header", "anthropic-version")]
    [InlineData("allow", "[{ method: GET, path: /v1, headers: { a: x, »A: y } }]", "written twice", "Keep one")]
    [InlineData("allow", "[{ method: GET, path: /v1, headers: { a: »[] } }]", "is empty", "Name something")]
    [InlineData("allow", "[{ method: GET, path: /v1, body: { n: »{} } }]", "Nothing bounds 'n'", "max: 8192")]
    [InlineData("allow", "[{ method: GET, path: /v1, body: { n: { »mxa: 1 } } }]", "Unknown key 'mxa'", "'max'")]
    [InlineData("allow", "[{ method: GET, path: /v1, body: { n: { max: »many } } }]", "can not be 'many'", "a number")]
    [InlineData("allow", "[{ method: GET, path: /v1, body: { n: »{ min: 2, max: 1 } } }]", "at least 2 and at most 1", "smaller one")]
    public void Parse_Secret_SaysWhereAndWhatToWrite(string key, string marked, string message, string fix) =>
        MarkedPolicy.AssertError(With(key, marked), message, fix);

    [Theory]
    [InlineData("upstream", "http://localhost:8080")]
    [InlineData("upstream", "http://127.0.0.1:8080")]
    [InlineData("upstream", "http://[::1]:8080/base")]
    [InlineData("upstream", "https://10.0.0.1:8443/v1")]
    [InlineData("from", "file:~/key.txt")]
    [InlineData("from", "command:pass show api")]
    [InlineData("from", "azure-keyvault:https://kv.vault.azure.net/secrets/api")]
    [InlineData("from", "vault:https://vault.example.com/v1/secret/api")]
    [InlineData("inject", "{ header: x-api-key, value: \"{secret}\" }")]
    [InlineData("expose", "{ A: \"{\\\"k\\\": \\\"{url}\\\"}\", B: \"\" }")]
    [InlineData("allow", "[{ method: [GET, HEAD], path: \"/v1/**\", query: {}, headers: { a: [x, \"\"] }, body: { t: { max: 0.5 }, m: [a*] } }]")]
    public void Parse_Secret_IsTaken(string key, string value) => Assert.Empty(PolicyParser.Parse(With(key, value), "p", PolicyFeatures.All).Errors);

    [Fact]
    public void Parse_CredentialInAWrongPlace_IsNotRepeated()
    {
        foreach (var (key, value) in new[] { ("from", "sk-hunter2"), ("from", "env:sk-hunter2"), ("upstream", "https://u:hunter2@api.example.com") })
            Assert.DoesNotContain(PolicyParser.Parse(With(key, value), "p").Errors, error => error.ToString().Contains("hunter2", StringComparison.Ordinal));
    }

    [Fact]
    public void Parse_Upstream_IsItsCanonicalForm()
    {
        foreach (var (text, expected) in new[]
        {
            ("https://API.Example.com.", "https://api.example.com/"),
            ("https://bücher.example:443/a", "https://xn--bcher-kva.example/a"),
            ("https://0x0a.1/", "https://10.0.0.1/"),
            ("https://[2001:DB8:0::1]:8443", "https://[2001:db8::1]:8443/"),
            ("https://a.example/%7euser/", "https://a.example/~user/"),
        })
            Assert.Equal(expected, PolicyParser.Parse(With("upstream", $"\"{text}\""), "p").Policy!.Secrets[0].Upstream.AbsoluteUri);
    }

    [Fact]
    public void Parse_TwoSecrets_MayNotShareNameOrVariable()
    {
        var first = With("trust", "ca.pem");
        var second = first[first.IndexOf("  - ", StringComparison.Ordinal)..];
        MarkedPolicy.AssertError(first + second.Replace("name: api", "name: »api", StringComparison.Ordinal).Replace("API_URL", "OTHER", StringComparison.Ordinal), "is there already, on line 4", "another name");
        MarkedPolicy.AssertError(first + second.Replace("name: api", "name: api2", StringComparison.Ordinal).Replace("API_URL", "»API_URL", StringComparison.Ordinal), "exposed already, on line 8", "Keep one");
    }

    private static string With(string key, string value)
    {
        var lines = Right.Where(line => line.Key != key).Append((Key: key, Value: value)).OrderBy(line => Array.FindIndex(Right, right => right.Key == line.Key) is var i && i < 0 ? 99 : i);
        return "version: 1\nagent: { environment: { TAKEN: x } }\nsecrets:\n  - " + string.Join("\n    ", lines.Select(line => $"{line.Key}: {line.Value}")) + "\n";
    }
}
