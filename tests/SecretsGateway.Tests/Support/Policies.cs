using Gatehouse.Policy;
using Gatehouse.Policy.Parsing;

namespace Gatehouse.SecretsGateway.Tests.Support;

/// <summary>Policies by example.</summary>
internal static class Policies
{
    public const string Key = "sk-live-4f9Qz-REAL-KEY+/=0123456789";

    /// <param name="upstream">Origin.</param>
    /// <param name="allow">Items of <c>allow:</c>, one a line, flow style.</param>
    /// <param name="from">Where the credential is.</param>
    /// <param name="value">What is injected in x-api-key.</param>
    /// <param name="more">More lines of the secret, indented by four.</param>
    public static string Yaml(
        string upstream, string allow = "{ method: [GET, POST, PUT, HEAD, DELETE], path: /v1/** }", string from = "env:API_KEY", string value = "{secret}",
        string more = "") => $"""
        version: 1
        secrets:
          - name: api
            upstream: {upstream}
            from: {from}
            inject: {"{"} header: x-api-key, value: "{value}" {"}"}
            allow:
        {string.Join('\n', allow.Split('\n').Select(item => "      - " + item))}
        {more}
        """;

    public static AgentPolicy Parse(string yaml)
    {
        var result = PolicyParser.Parse(yaml, "gatehouse.yaml");
        Assert.True(result.Policy is not null, string.Join('\n', result.Errors));
        return result.Policy!;
    }

    public static Dictionary<string, string> Environment(string key = Key) => new() { ["API_KEY"] = key };
}
