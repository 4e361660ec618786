using System.Collections.Concurrent;
using DnsClient;
using DnsClient.Protocol;
using Gatehouse.Policy.Names;
using Microsoft.Extensions.Options;

namespace Gatehouse.DnsResolver.Upstream;

/// <summary>
/// Resolves allowed names for real, for the gates alone: A and AAAA side by side, over TCP when truncated, remembered for as long as the records say
/// (within bounds), one question at a time for a name. The servers' answers are data: what may be dialled is decided by the caller.
/// </summary>
internal sealed class UpstreamResolver : IDisposable
{
    private static readonly TimeSpan s_least = TimeSpan.FromSeconds(5), s_most = TimeSpan.FromHours(1), s_negative = TimeSpan.FromSeconds(30);

    /// <summary>Addresses of one name that are looked at; clouds give a dozen.</summary>
    private const int MaxAddresses = 32;

    private readonly LookupClient _client;
    private readonly ResolverOptions _options;
    private readonly TimeProvider _time;
    private readonly ConcurrentDictionary<DomainName, Entry> _cache = new();

    /// <summary>Questions under way; the rest wait.</summary>
    private readonly SemaphoreSlim _slots = new(64);

    public UpstreamResolver(IOptions<ResolverOptions> options, TimeProvider time)
    {
        (_options, _time) = (options.Value, time);
        var servers = _options.EndPoints.Select(endPoint => new NameServer(endPoint)).ToArray();
        var settings = servers.Length > 0 ? new LookupClientOptions(servers) : new LookupClientOptions();
        settings.UseCache = false;
        settings.ThrowDnsErrors = false;
        settings.Timeout = _options.Timeout;
        settings.Retries = 1;
        settings.UseTcpFallback = true;
        _client = new LookupClient(settings);
    }

    public async Task<Resolution> ResolveAsync(DomainName name, CancellationToken cancellationToken)
    {
        if (_cache.TryGetValue(name, out var entry) && _time.GetElapsedTime(entry.Since) < entry.Lifetime)
            return await entry.Task.WaitAsync(cancellationToken);
        if (_cache.Count >= _options.CacheEntries)
            Trim();
        var mine = new Entry(_time.GetTimestamp(), TimeSpan.MaxValue, new(TaskCreationOptions.RunContinuationsAsynchronously));
        var held = entry is null ? _cache.GetOrAdd(name, mine) : _cache.TryUpdate(name, mine, entry) ? mine : _cache.GetOrAdd(name, mine);
        if (held == mine)
            _ = FillAsync(name, mine);
        return await held.Task.WaitAsync(cancellationToken);
    }

    public void Dispose() => _slots.Dispose();

    private async Task FillAsync(DomainName name, Entry entry)
    {
        Resolution resolution;
        await _slots.WaitAsync();
        try
        {
            resolution = await AskAsync(name);
        }
        catch (Exception)
        {
            // Whatever the library makes of hostile answers is a failure to resolve.
            resolution = new(ResolutionOutcome.Failed, [], TimeSpan.Zero);
        }
        finally
        {
            _slots.Release();
        }

        if (resolution.Lifetime > TimeSpan.Zero)
            _cache.TryUpdate(name, entry with { Since = _time.GetTimestamp(), Lifetime = resolution.Lifetime }, entry);
        else
            _cache.TryRemove(new(name, entry));
        entry.Source.SetResult(resolution);
    }

    private async Task<Resolution> AskAsync(DomainName name)
    {
        // A trailing dot: no search list of the machine is appended.
        var v4 = _client.QueryAsync(name.Value + ".", QueryType.A);
        var v6 = _client.QueryAsync(name.Value + ".", QueryType.AAAA);
        var answers = await Task.WhenAll(Guard(v4), Guard(v6));
        var records = answers.OfType<IDnsQueryResponse>().SelectMany(answer => answer.Answers.OfType<AddressRecord>()).ToList();
        if (records.Count > 0)
        {
            var seconds = records.Min(record => record.InitialTimeToLive);
            var lifetime = TimeSpan.FromSeconds(Math.Clamp(seconds, s_least.TotalSeconds, s_most.TotalSeconds));
            return new(ResolutionOutcome.Resolved, [.. records.Select(record => record.Address).Distinct().Take(MaxAddresses)], lifetime);
        }

        var definitive = answers.All(answer => answer is { Header.ResponseCode: DnsHeaderResponseCode.NoError or DnsHeaderResponseCode.NotExistentDomain });
        return definitive ? new(ResolutionOutcome.NoAddress, [], s_negative) : new(ResolutionOutcome.Failed, [], TimeSpan.Zero);
    }

    private static async Task<IDnsQueryResponse?> Guard(Task<IDnsQueryResponse> asking)
    {
        try
        {
            return await asking;
        }
        catch (Exception e) when (e is DnsResponseException or OperationCanceledException or InvalidOperationException or ArgumentException or IndexOutOfRangeException)
        {
            return null;
        }
    }

    private void Trim()
    {
        foreach (var (name, entry) in _cache.Where(pair => pair.Value.Task.IsCompleted).OrderBy(pair => pair.Value.Since).Take(_cache.Count / 10 + 1))
            _cache.TryRemove(new(name, entry));
    }

    private sealed record Entry(long Since, TimeSpan Lifetime, TaskCompletionSource<Resolution> Source)
    {
        public Task<Resolution> Task => Source.Task;
    }
}
