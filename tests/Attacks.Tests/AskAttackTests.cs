using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Gatehouse.TestKit;

namespace Gatehouse.Attacks.Tests;

/// <summary>What a hostile agent makes of being allowed to ask: a person who is flooded, deceived, or answered for.</summary>
public sealed class AskAttackTests : IAsyncLifetime
{
    private readonly List<Process> _agents = [];
    private EnclosureSite _site = null!;
    private string _folder = "";

    public async Task InitializeAsync()
    {
        _site = await EnclosureSite.CreateAsync(unprivileged: true);
        _folder = Workspace("asking");
        await _site.Installation.RunAsync(_folder, ["up"]);
    }

    public async Task DisposeAsync()
    {
        foreach (var agent in _agents)
        {
            agent.Kill();
            agent.Dispose();
        }

        await _site.DisposeAsync();
    }

    private string Workspace(string name)
    {
        var folder = _site.CreateWorkspace(name);
        var path = Path.Combine(folder, "gatehouse.yaml");
        File.WriteAllText(path, File.ReadAllText(path).Replace("host: \"*.wild.test\",", "host: \"*.wild.test\", ask: true,", StringComparison.Ordinal)
            .Replace("egress:\n", "egress:\n  otherwise: ask\n  askTimeout: 60s\n", StringComparison.Ordinal));
        return folder;
    }

    private Process Agent(string script, string? folder = null)
    {
        var agent = _site.Installation.Start(folder ?? _folder, ["run", "-q", "--", "bash", "-c", script]);
        _agents.Add(agent);
        return agent;
    }

    private async Task<List<JsonElement>> PendingAsync()
    {
        var pending = await _site.Installation.RunAsync(_folder, ["pending", "--json"]);
        Assert.True(pending.ExitCode == 0, pending.ToString());
        return [.. pending.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)];
    }

    /// <returns>The id of the ask about this, which must come to wait.</returns>
    private async Task<string> WaitingAsync(string subject)
    {
        string? id = null;
        for (var i = 0; i < 100 && id is null; i++)
        {
            id = (await PendingAsync()).Where(ask => ask.GetProperty("subject").GetString() == subject).Select(ask => ask.GetProperty("id").GetString()).FirstOrDefault();
            if (id is null)
                await Task.Delay(100);
        }

        return id ?? throw new InvalidOperationException($"{subject} does not wait:\n{(await _site.Installation.RunAsync(_folder, ["pending"])).Output}\n{await _site.RecordAsync("--gate", "egress")}");
    }

    private Task<CommandResult> ApproveAsync(string id, params string[] more) => _site.Installation.RunAsync(_folder, ["approve", id, .. more]);

    private Task NothingWaitsAsync() => Eventually.TrueAsync(async () => (await PendingAsync()).Count == 0, what: "nothing waits");

    [Fact]
    public async Task Flood_OfNamesAndConnections_IsBounded_TheGateServesOn_AndTheSessionsEndEndsIt()
    {
        var agent = Agent("""
            python3 - 3<&0 <<'P'
            import socket
            held = []
            for i in range(300):
                s = socket.create_connection(('198.18.0.1', 3128)); held.append(s)
                s.sendall(b'CONNECT n%d.flood.test:443 HTTP/1.1\r\nHost: n%d.flood.test:443\r\n\r\n' % (i % 150, i % 150))
            import select, time
            # Those that are refused hear it when the gate comes to them; then nobody hears more for a while.
            until = time.time() + 30
            while len(select.select(held, [], [], 1)[0]) < 236 and time.time() < until: time.sleep(0.1)
            time.sleep(0.5)
            answered = select.select(held, [], [], 0)[0]
            answers = [s.recv(99)[9:12].decode() if s in answered else 'held' for s in held]
            print({a: answers.count(a) for a in sorted(set(answers))}, flush=True)
            print(len({i % 150 for i, a in enumerate(answers) if a == 'held'}), flush=True)
            import subprocess
            print(subprocess.run(['curl', '-sS', '--max-time', '8', 'https://allowed.test/meanwhile'], capture_output=True).stdout.decode().split('\n')[0], flush=True)
            __import__('os').read(3, 1)
            P
            """);
        Assert.Equal("{'429': 236, 'held': 64}", await agent.StandardOutput.ReadLineAsync());
        // Connections are served in no order: two of those that are held may want the same name, and are asked about once.
        var asked = int.Parse((await agent.StandardOutput.ReadLineAsync())!, CultureInfo.InvariantCulture);
        Assert.StartsWith("GET /meanwhile", await agent.StandardOutput.ReadLineAsync(), StringComparison.Ordinal);
        await Eventually.TrueAsync(async () => (await PendingAsync()).Count == asked);
        await _site.ExpectRecordAsync("too-many-held", "--verdict", "denied");

        // Nobody else's questions wait behind them.
        Agent("curl -sS --max-time 50 https://other.wild.test/", Workspace("bystander"));
        Assert.Equal(0, (await ApproveAsync(await WaitingAsync("other.wild.test:443"))).ExitCode);
        await agent.StandardInput.WriteLineAsync();
        await NothingWaitsAsync();
    }

    /// <summary>Asking and hanging up, again and again: what was taken back must not use up what other sessions ask with.</summary>
    [Fact]
    public async Task Flood_OfAsksTakenBack_LeavesRoomForOthers()
    {
        var agent = Agent("""
            python3 - 3<&0 <<'P'
            import socket, time
            for i in range(2600):
                s = socket.create_connection(('198.18.0.1', 3128))
                s.sendall(b'CONNECT n%d.flood.test:443 HTTP/1.1\r\nHost: n%d.flood.test:443\r\n\r\n' % (i, i))
                time.sleep(0.004)
                s.close()
            print('done', flush=True)
            __import__('os').read(3, 1)
            P
            """);
        Assert.Equal("done", await agent.StandardOutput.ReadLineAsync());
        Agent("curl -sS --max-time 50 https://other.wild.test/", Workspace("bystander"));
        await WaitingAsync("other.wild.test:443");
        // None that nobody waits for is left for a person to read.
        await Eventually.TrueAsync(async () => (await PendingAsync()).Count == 1, what: "only what waits is shown");
    }

    [Fact]
    public async Task Answer_ForgedFromInside_IsNotTaken()
    {
        using var address = JsonDocument.Parse(File.ReadAllText(Path.Combine(_site.Installation.RunDirectory, "log-sink.json")));
        var url = address.RootElement.GetProperty("url").GetString()!;
        var token = address.RootElement.GetProperty("token").GetString()!;
        var (port, unix) = url.StartsWith("http://unix:", StringComparison.OrdinalIgnoreCase) ? (80, url[12..]) : (new Uri(url).Port, "/nowhere");
        Agent("curl -sS --max-time 50 https://held.wild.test/");
        var id = await WaitingAsync("held.wild.test:443");
        // Even who knows id and token has no road.
        var result = await _site.Installation.ScriptAsync(_folder, $$"""
            say() { curl -sS --max-time 2 -o /tmp/answer -w '%{http_code} ' -X POST -H 'Authorization: Bearer {{token}}' -H 'Content-Type: application/json' -d '{"verdict":"allow","scope":"session"}' "$@"; grep -l '"state"' /tmp/answer; }
            for t in 127.0.0.1 localhost 0.0.0.0 '[::1]' '[::ffff:127.0.0.1]' host.docker.internal log-sink 172.17.0.1 10.0.2.2 secrets.gatehouse; do
              say --noproxy '*' http://$t:{{port}}/asks/{{id}}/answer
              say -x http://198.18.0.1:3128 http://$t:{{port}}/asks/{{id}}/answer
              say -x http://198.18.0.1:3128 -p http://$t:{{port}}/asks/{{id}}/answer
            done 2>/dev/null
            say --unix-socket {{unix}} http://log-sink/asks/{{id}}/answer 2>/dev/null
            say http://198.18.0.1:3128/asks/{{id}}/answer; say http://198.18.0.1/asks/{{id}}/answer; say $API_URL/../asks/{{id}}/answer
            ls {{_site.Installation.RunDirectory}} {{_site.Installation.StateDirectory}} 2>/dev/null; env | grep -F {{token}}; cat /proc/[0-9]*/environ 2>/dev/null | tr '\0' '\n' | grep -i '^gatehouse'
            true
            """);
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.DoesNotContain("/tmp/answer", result.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("200 ", result.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(token, result.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("gatehouse", result.Output, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("log-sink.json", result.Output, StringComparison.Ordinal);
        Assert.Contains(await PendingAsync(), ask => ask.GetProperty("id").GetString() == id);
        Assert.Empty(_site.Web.Requests);
    }

    [Fact]
    public async Task HostName_Hostile_IsHarmlessInTheList()
    {
        var longest = string.Join('.', new string('a', 63), new string('b', 63), new string('c', 63), new string('d', 61));
        var agent = Agent($$"""
            python3 - 3<&0 <<'P'
            import socket
            names = [b'\x1b[2J\x1b]0;pwned\x07.evil.test', b'a\rb.evil.test', b'a\x00b.evil.test', 'x\u202etset.evil.test'.encode(), b'<script>alert(1)</script>.evil.test',
                b'&lt;b&gt;.evil.test', b'"quoted".evil.test', b'-1.evil.test\t', b'xn--a.evil.test', 'ex\u0430mple.test'.encode(), b'a..evil.test', b'*.evil.test', b'user@evil.test',
                b'{{longest}}', b'{{longest}}x', b'UPPER.Evil.TEST', b'dot.evil.test.', b'xn--exmple-4nf.test', b'xn--bcher-kva.test', b'$(reboot).evil.test', b'a%0ab.evil.test']
            held = []
            for name in names:
                s = socket.create_connection(('198.18.0.1', 3128)); held.append(s)
                s.sendall(b'CONNECT ' + name + b':443 HTTP/1.1\r\nHost: ' + name + b':443\r\n\r\n')
            s.settimeout(1)
            print('asked', flush=True)
            __import__('os').read(3, 1)
            P
            """);
        Assert.Equal("asked", await agent.StandardOutput.ReadLineAsync());
        await WaitingAsync("xn--bcher-kva.test:443");
        await Task.Delay(500);
        Assert.Equal(new[] { $"{longest}:443", "dot.evil.test:443", "upper.evil.test:443", "xn--bcher-kva.test:443", "xn--exmple-4nf.test:443" }.Order(StringComparer.Ordinal),
            (await PendingAsync()).Select(ask => ask.GetProperty("subject").GetString()!).Order(StringComparer.Ordinal));
        foreach (var json in new[] { false, true })
        {
            var shown = await _site.Installation.RunAsync(_folder, json ? ["pending", "--json"] : ["pending"]);
            Assert.Equal(5, shown.Output.Count(c => c == '\n'));
            Assert.DoesNotContain(shown.Output, c => c is not '\n' and (< ' ' or > '~' or '<' or '&' or '$'));
        }

        await _site.ExpectRecordAsync("invalid-request", "--verdict", "denied");
    }

    [Fact]
    public async Task Approval_IsForOneNameOnePortOneSession()
    {
        var agent = Agent("""
            c() { curl -sS --max-time 3 -o /dev/null -w '%{http_code} ' "$@" 2>/dev/null; }
            curl -sS --max-time 50 -o /dev/null -w '%{http_code}\n' https://one.wild.test/first -k; read
            c -k https://one.wild.test/again; echo
            c -k https://two.wild.test/; c http://one.wild.test/; c -k https://one.wild.test:80/; c -k https://one.wild.test:8443/
            c -k --connect-to two.wild.test:443:one.wild.test:443 https://two.wild.test/
            c -k --noproxy '*' --connect-to two.wild.test:443:$(dig +short one.wild.test):443 https://two.wild.test/
            c -k --noproxy '*' https://two.wild.test/; c -k https://sub.one.wild.test/; c -k https://127.0.0.1/; echo; read
            """);
        var approved = await ApproveAsync(await WaitingAsync("one.wild.test:443"), "--session");
        Assert.True(approved.ExitCode == 0, approved.ToString());
        Assert.Equal("200", await agent.StandardOutput.ReadLineAsync());
        await agent.StandardInput.WriteLineAsync();
        Assert.Equal("200 ", await agent.StandardOutput.ReadLineAsync());
        Assert.Equal(["/first", "/again"], _site.Web.Requests.Select(request => request.PathAndQuery));
        Assert.DoesNotContain("200", await agent.StandardOutput.ReadLineAsync(), StringComparison.Ordinal);
        Assert.Equal(2, _site.Web.Requests.Count);
        await NothingWaitsAsync();

        // Another session of the same workspace, while the first one lives.
        Agent("curl -sSk --max-time 50 https://one.wild.test/elsewhere");
        await WaitingAsync("one.wild.test:443");
        Assert.Equal(2, _site.Web.Requests.Count);
    }

    [Theory]
    [InlineData("--once")]
    [InlineData("--session")]
    [InlineData("--always")]
    public async Task Ask_OfADeadSession_IsGone_AndItsApprovalOpensNothing(string scope)
    {
        var policy = await File.ReadAllTextAsync(Path.Combine(_folder, "gatehouse.yaml"));
        var agent = Agent("curl -sSk --max-time 50 https://late.wild.test/ & curl -sS --max-time 50 https://late.unknown.test/; wait");
        var (pinned, open) = (await WaitingAsync("late.wild.test:443"), await WaitingAsync("late.unknown.test:443"));
        agent.Kill();
        await NothingWaitsAsync();
        foreach (var id in new[] { pinned, open })
        {
            var approved = await ApproveAsync(id, scope);
            Assert.True(approved.ExitCode == 64, approved.ToString());
            Assert.NotEqual(0, (await ApproveAsync(id[^8..], scope)).ExitCode);
        }

        Assert.Equal(policy, await File.ReadAllTextAsync(Path.Combine(_folder, "gatehouse.yaml")));
        Agent("curl -sSk --max-time 50 https://late.wild.test/");
        await WaitingAsync("late.wild.test:443");
        Assert.Empty(_site.Web.Requests);
    }

    [Fact]
    public async Task Policy_EditedInside_ApprovesNothing()
    {
        var path = Path.Combine(_folder, "gatehouse.yaml");
        var policy = await File.ReadAllTextAsync(path);
        var agent = Agent("""
            sed -i 's/ask: true, //; s/otherwise: ask/otherwise: deny/' gatehouse.yaml && grep -c 'wild.test", connect' gatehouse.yaml
            mkdir -p sub && cp gatehouse.yaml sub/; sleep 1.5; cd sub
            curl -sSk --max-time 50 -o /dev/null -w '%{http_connect}\n' https://self.wild.test/
            """);
        Assert.Equal("1", await agent.StandardOutput.ReadLineAsync());
        var id = await WaitingAsync("self.wild.test:443");
        Assert.Equal(policy, await File.ReadAllTextAsync(path));
        Assert.Equal(0, (await _site.Installation.RunAsync(_folder, ["deny", id])).ExitCode);
        Assert.Equal("403", await agent.StandardOutput.ReadLineAsync());
        Assert.Empty(_site.Web.Requests);
    }
}
