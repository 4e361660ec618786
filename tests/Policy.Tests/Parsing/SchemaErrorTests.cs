namespace Gatehouse.Policy.Tests.Parsing;

/// <summary>Errors of shape: keys, kinds, ranges and counts.</summary>
public sealed class SchemaErrorTests
{
    [Theory]
    [InlineData("»[version]", "can not be a list", "version: 1")]
    [InlineData("»version", "can not be 'version'", "version: 1")]
    [InlineData("»agent: {}", "has no 'version'", "version: 1")]
    [InlineData("version: »2", "can not be '2'", "Write 1")]
    [InlineData("version: »\"1\"", "can not be '1'", "1 without quotes")]
    [InlineData("version: »01", "can not be '01'", "Write 1")]
    [InlineData("version:» ", "is empty", "Write 1")]
    [InlineData("version: »~", "is empty (~", "Write 1")]
    [InlineData("version: 1\n»egres: {}", "Unknown key 'egres' in the policy", "'egress'")]
    [InlineData("version: 1\n»Egress: {}", "Unknown key 'Egress'", "'egress'")]
    [InlineData("version: 1\n»xyzzy: {}", "Unknown key 'xyzzy'", "version, agent, filesystem, egress, secrets, execution, logging")]
    [InlineData("version: 1\negress: { »alow: [] }", "Unknown key 'alow' in egress", "'allow'")]
    [InlineData("version: 1\negress: { allow: [{ host: a.example, »prots: [1] }] }", "Unknown key 'prots' in egress.allow[0]", "'ports'")]
    [InlineData("version: 1\nagent: { limits: { »memroy: 1GiB } }", "Unknown key 'memroy' in agent.limits", "'memory'")]
    [InlineData("version: 1\nagent: »claude", "agent can not be 'claude'", "a mapping")]
    [InlineData("version: 1\nagent: { command: »claude }", "agent.command can not be 'claude'", "[claude]")]
    [InlineData("version: 1\nagent: { command: »[] }", "agent.command is empty", "leave the key out")]
    [InlineData("version: 1\nagent: { command: [a, »[b]] }", "agent.command[1] can not be a list", "text")]
    [InlineData("version: 1\nagent: { command: [a, »~] }", "agent.command[1] is empty", "text")]
    [InlineData("version: 1\nagent: { isolation: »dokcer }", "can not be 'dokcer'", "Write docker.")]
    [InlineData("version: 1\nagent: { isolation: »chroot }", "can not be 'chroot'", "bubblewrap or docker or podman")]
    [InlineData("version: 1\nagent: { isolation: podman, runtime: »kata }", "can not be 'kata'", "runc or crun or runsc or kata-fc")]
    [InlineData("version: 1\nagent: { environment: »[A] }", "can not be a list", "a mapping")]
    [InlineData("version: 1\nagent: { environment: { A: »} }", "agent.environment.A is empty", "Write text")]
    [InlineData("version: 1\nagent: { environment: { A: »null } }", "is empty (null without quotes", "Write text")]
    [InlineData("version: 1\nagent: { environment: { A: »{ b: c } } }", "can not be a mapping", "text")]
    [InlineData("version: 1\nagent: { limits: { processes: »7 } }", "can not be '7'", "from 8 to 4194304")]
    [InlineData("version: 1\nagent: { limits: { processes: »4194305 } }", "can not be '4194305'", "from 8 to 4194304")]
    [InlineData("version: 1\nagent: { limits: { processes: »0x10 } }", "can not be '0x10'", "whole number")]
    [InlineData("version: 1\nagent: { limits: { processes: »1e3 } }", "can not be '1e3'", "whole number")]
    [InlineData("version: 1\nagent: { limits: { processes: »1_000 } }", "can not be '1_000'", "whole number")]
    [InlineData("version: 1\nagent: { limits: { processes: »-8 } }", "can not be '-8'", "whole number")]
    [InlineData("version: 1\nagent: { isolation: docker, limits: { memory: »16MiB16 } }", "can not be '16MiB16'", "512MiB")]
    [InlineData("version: 1\nagent: { isolation: docker, limits: { memory: »15MiB } }", "can not be '15MiB'", "512MiB")]
    [InlineData("version: 1\nagent: { isolation: docker, limits: { memory: »2048TiB } }", "can not be '2048TiB'", "512MiB")]
    [InlineData("version: 1\nagent: { isolation: docker, limits: { cpus: »0 } }", "can not be '0'", "number")]
    [InlineData("version: 1\nagent: { isolation: docker, limits: { cpus: »4097 } }", "can not be '4097'", "number")]
    [InlineData("version: 1\nagent: { limits: { duration: »0s } }", "can not be '0s'", "1h30m")]
    [InlineData("version: 1\nagent: { limits: { duration: »31d } }", "can not be '31d'", "30 days")]
    [InlineData("version: 1\nagent: { limits: { duration: »8 } }", "can not be '8'", "1h30m")]
    [InlineData("version: 1\nagent: { limits: { duration: »8:30 } }", "can not be '8:30'", "1h30m")]
    [InlineData("version: 1\nfilesystem: { scratch: [»{ at: /tmp }] }", "filesystem.scratch[0] has no 'size'", "size: 512MiB")]
    [InlineData("version: 1\nfilesystem: { scratch: [{ at: /tmp, size: »0 }] }", "can not be '0'", "512MiB")]
    [InlineData("version: 1\nfilesystem: { scratch: [{ at: /tmp, size: »4095 }] }", "can not be '4095'", "512MiB")]
    [InlineData("version: 1\nfilesystem: { inputs: [»{ at: /docs }] }", "filesystem.inputs[0] has no 'host'", "host: ~/docs")]
    [InlineData("version: 1\nfilesystem: { inputs: [{ host: »\"\", at: /docs }] }", "filesystem.inputs[0].host is empty", "~/docs")]
    [InlineData("version: 1\nfilesystem: { inputs: [{ host: »~, at: /docs }] }", "is empty (~ without quotes", "~/docs")]
    [InlineData("version: 1\nfilesystem: { workspaces: [{ host: ., at: /w, mode: »overlya }] }", "can not be 'overlya'", "Write overlay.")]
    [InlineData("version: 1\negress: { allow: »a.example }", "egress.allow can not be 'a.example'", "a list")]
    [InlineData("version: 1\negress: { allow: [»a.example] }", "egress.allow[0] can not be 'a.example'", "host: api.github.com")]
    [InlineData("version: 1\negress: { allow: [{ host: a.example, ports: [»0] }] }", "egress.allow[0].ports[0] can not be '0'", "from 1 to 65535")]
    [InlineData("version: 1\negress: { allow: [{ host: a.example, ports: [»65536] }] }", "can not be '65536'", "from 1 to 65535")]
    [InlineData("version: 1\negress: { allow: [{ host: a.example, ports: [»\"443\"] }] }", "can not be '443'", "443 without quotes")]
    [InlineData("version: 1\negress: { allow: [{ host: a.example, ports: »[] }] }", "ports is empty", "leave the key out")]
    [InlineData("version: 1\negress: { allow: [{ host: a.example, ports: [»443-445] }] }", "can not be '443-445'", "whole number")]
    [InlineData("version: 1\negress: { allow: [{ host: a.example, ports: [»22:22] }] }", "can not be '22:22'", "whole number")]
    [InlineData("version: 1\nlogging: { whenUnavailable: »allow }", "can not be 'allow'", "deny or spool")]
    [InlineData("version: 1\nexecution: { allow: »bash }", "execution.allow can not be 'bash'", "a list")]
    public void Parse_WrongShape_SaysWhereAndWhatToWrite(string marked, string message, string fix) => MarkedPolicy.AssertError(marked, message, fix);

    [Theory]
    [InlineData("filesystem", "inputs", 64, "{{ host: a, at: /d{0} }}")]
    [InlineData("filesystem", "workspaces", 16, "{{ host: a, at: /d{0} }}")]
    [InlineData("filesystem", "scratch", 16, "{{ at: /d{0}, size: 1MB }}")]
    [InlineData("filesystem", "hide", 256, "f{0}")]
    [InlineData("agent", "command", 256, "a{0}")]
    [InlineData("agent", "publish", 16, "{{ inside: {1}, host: \"127.0.0.1:{1}\" }}")]
    [InlineData("egress", "allow", 50_000, "{{ host: h{0}.example }}")]
    [InlineData("execution", "allow", 1024, "c{0}")]
    public void Parse_List_TakesItsMaximumAndNoMore(string section, string key, int max, string item)
    {
        var items = Enumerable.Range(0, max).Select(i => string.Format(System.Globalization.CultureInfo.InvariantCulture, item, i, i + 2000));
        var start = $"version: 1\n{section}:\n  {key}: [{string.Join(", ", items)}";
        Assert.Empty(Policy.Parsing.PolicyParser.Parse(start + "]", "p", Policy.Schema.PolicyFeatures.All).Errors);
        var error = MarkedPolicy.SingleError($"{start}, »x]".Replace(", »x]", ", »" + string.Format(System.Globalization.CultureInfo.InvariantCulture, item, "x", 1999) + "]", StringComparison.Ordinal));
        Assert.Contains($"more than {max} entries", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_Environment_TakesItsMaximumAndNoMore()
    {
        var entries = string.Join(", ", Enumerable.Range(0, 256).Select(i => $"V{i}: x"));
        Assert.Empty(Policy.Parsing.PolicyParser.Parse($"version: 1\nagent: {{ environment: {{ {entries} }} }}", "p").Errors);
        MarkedPolicy.AssertError($"version: 1\nagent: {{ environment: {{ {entries}, »W: x }} }}", "more than 256 entries", "Leave some out");
    }

    [Fact]
    public void Parse_TextBeyondItsLength_IsRefused()
    {
        var text = new string('a', 32 * 1024);
        Assert.Empty(Policy.Parsing.PolicyParser.Parse($"version: 1\nagent: {{ environment: {{ A: {text} }} }}", "p").Errors);
        MarkedPolicy.AssertError($"version: 1\nagent: {{ environment: {{ A: »{text}a }} }}", "longer than 32768 characters", "Shorten it");
    }

    [Fact]
    public void Parse_SeveralErrors_AreReportedAtOnceInTheOrderOfTheFile()
    {
        var errors = Policy.Parsing.PolicyParser.Parse("""
            version: 3
            agent: { comand: [x] }
            egress:
              allow:
                - { host: 10.0.0.1 }
                - { host: a.example, ports: [53, 70000] }
            secrets: [{ name: A }]
            """, "p").Errors;
        Assert.Equal([1, 2, 5, 6, 6, 7, 7, 7, 7, 7], errors.Select(error => error.Line));
    }
}
