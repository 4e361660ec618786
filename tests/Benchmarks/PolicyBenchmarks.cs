using System.Net;
using BenchmarkDotNet.Attributes;
using Gatehouse.Policy;
using Gatehouse.Policy.Names;
using Gatehouse.Policy.Parsing;

namespace Gatehouse.Benchmarks;

/// <summary>Whether the number of rules matters to a decision.</summary>
[MemoryDiagnoser]
public class PolicyBenchmarks
{
    private AgentPolicy _policy = null!;
    private string _text = "";
    private DomainName _exact, _wildcard, _denied;

    [Params(10, 10_000)]
    public int Rules { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _text = "version: 1\negress:\n  allow:\n" + string.Concat(Enumerable.Range(0, Rules).Select(i => i % 2 == 0 ? $"    - host: host{i}.example.com\n" : $"    - host: \"*.zone{i}.example.net\"\n"));
        _policy = PolicyParser.Parse(_text, "benchmark").Policy!;
        _exact = Name($"host{Rules / 2 / 2 * 2}.example.com");
        _wildcard = Name($"a.b.zone{(Rules / 2 / 2 * 2) + 1}.example.net");
        _denied = Name("a.b.c.blocked.test");
    }

    private static DomainName Name(string text) => DomainName.TryParse(text, out var name) ? name : throw new ArgumentException(text);

    [Benchmark]
    public bool Exact() => _policy.Egress.Decide(_exact, 443).Verdict.IsAllowed;

    [Benchmark]
    public bool Wildcard() => _policy.Egress.Decide(_wildcard, 443).Verdict.IsAllowed;

    [Benchmark]
    public bool Denied() => _policy.Egress.Decide(_denied, 443).Verdict.IsAllowed;

    [Benchmark]
    public bool RawAddress() => _policy.Egress.Decide(IPAddress.Loopback, 443).Verdict.IsAllowed;

    [Benchmark]
    public bool Parse() => PolicyParser.Parse(_text, "benchmark").Policy is not null;
}
