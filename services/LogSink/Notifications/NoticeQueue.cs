using System.Threading.Channels;

namespace Gatehouse.LogSink.Notifications;

/// <summary>
/// Tells one receiver of one occasion, one notice at a time. Each occasion has a bound and a queue of its own: an agent that makes many of one must not silence
/// another, and a receiver that is slow must not hold it up. <see cref="Offer"/> is for one thread at a time.
/// </summary>
internal sealed partial class NoticeQueue(string name, string occasion, NotifyOptions options, WebhookNotice webhook, TimeProvider time, ILogger log)
{
    /// <summary>Before a webhook is tried again; then the notice counts among those that were not told. A command is run once: who knows how far it came.</summary>
    private static readonly TimeSpan[] s_again = [TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(4)];

    private readonly Channel<Notice> _accepted = Channel.CreateBounded<Notice>(options.MostPerMinute);

    /// <summary>Timestamps: a clock that is set back must not silence anything.</summary>
    private readonly Queue<long> _within = new();

    private long _suppressed;

    /// <summary>Never waits.</summary>
    public void Offer(Func<Notice> notice)
    {
        while (_within.TryPeek(out var first) && time.GetElapsedTime(first) >= TimeSpan.FromMinutes(1))
            _within.Dequeue();
        if (_within.Count < options.MostPerMinute && _accepted.Writer.TryWrite(notice()))
            _within.Enqueue(time.GetTimestamp());
        else
            Interlocked.Increment(ref _suppressed);
    }

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await foreach (var notice in _accepted.Reader.ReadAllAsync(cancellationToken))
        {
            var suppressed = Interlocked.Exchange(ref _suppressed, 0);
            var now = time.GetUtcNow();
            if (await TellAsync(notice, now, notice.Write(occasion, now, suppressed), cancellationToken) is not { } problem)
                continue;
            // The next says so.
            Interlocked.Add(ref _suppressed, suppressed + 1);
            Log.NotTold(log, name, occasion, problem);
        }
    }

    private async Task<string?> TellAsync(Notice notice, DateTimeOffset now, byte[] body, CancellationToken cancellationToken)
    {
        var within = TimeSpan.FromSeconds(options.TimeoutSeconds);
        try
        {
            if (options.Url is not { } url)
                return await CommandNotice.RunAsync(options.Command, body, within, cancellationToken);
            for (var tries = 0; ; tries++)
            {
                var problem = await webhook.PostAsync(url, options.SecretFile, notice.Id, now, body, within, cancellationToken);
                if (problem is null || tries == s_again.Length)
                    return problem;
                await Task.Delay(s_again[tries], time, cancellationToken);
            }
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            return e.Message;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "'{Name}' was not told of {Occasion}: {Problem}")]
        public static partial void NotTold(ILogger log, string name, string occasion, string problem);
    }
}
