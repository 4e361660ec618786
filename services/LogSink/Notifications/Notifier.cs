using Gatehouse.LogSink.Asks;
using Gatehouse.LogSink.Forwarding;
using Gatehouse.LogSink.Live;
using Gatehouse.LogSink.Store;
using Microsoft.Extensions.Options;

namespace Gatehouse.LogSink.Notifications;

/// <summary>Follows the record from when the sink started, and what waits for a person, and tells what it was asked to tell.</summary>
internal sealed partial class Notifier(IOptions<LogSinkOptions> options, EventStore store, AskBoard asks, TimeProvider time, ILogger<Notifier> log) : BackgroundService
{
    private const int Page = 200;

    private readonly WebhookNotice _webhook = new();

    protected override Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var from = store.Head.Sequence;
        return Task.WhenAll(options.Value.Notify.Select(each => Task.Run(() => FollowAsync(each.Key, each.Value, from, stoppingToken), CancellationToken.None)));
    }

    private Task FollowAsync(string name, NotifyOptions notify, long from, CancellationToken cancellationToken)
    {
        var queues = notify.On.Distinct().ToDictionary(word => word, word => new NoticeQueue(name, word, notify, _webhook, time, log), StringComparer.Ordinal);
        List<Task> running = [.. queues.Values.Select(queue => queue.RunAsync(cancellationToken)), FollowRecordAsync(name, new(notify, time), queues, from, cancellationToken)];
        if (queues.TryGetValue(Occasions.AskWaiting, out var waiting))
            running.Add(FollowAsksAsync(waiting, cancellationToken));
        return Task.WhenAll(running);
    }

    private async Task FollowRecordAsync(string name, Occasions occasions, Dictionary<string, NoticeQueue> queues, long cursor, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            var changed = store.Changed.Next;
            try
            {
                if (store.Head.Sequence <= cursor)
                {
                    await changed.WaitAsync(cancellationToken);
                    continue;
                }

                var page = RecordPage.Read(store.Database, cursor, store.Head.Sequence, Page);
                foreach (var row in page.Rows)
                {
                    // Whatever comes of it, it is not told twice.
                    cursor = row.Sequence;
                    foreach (var occasion in occasions.Of(row))
                        queues[occasion].Offer(() => Notice.Of(occasion, row));
                }

                cursor = page.Through;
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                Log.NotRead(log, name, e);
                await Task.Delay(TimeSpan.FromSeconds(5), time, cancellationToken);
            }
        }
    }

    private async Task FollowAsksAsync(NoticeQueue queue, CancellationToken cancellationToken)
    {
        var changed = new HeadSignal();
        var known = new HashSet<string>(StringComparer.Ordinal);
        asks.Changed += changed.Raise;
        try
        {
            while (true)
            {
                var next = changed.Next;
                var waiting = asks.Waiting;
                foreach (var ask in waiting.Where(ask => known.Add(ask.Id)))
                    queue.Offer(() => Notice.Of(Occasions.AskWaiting, ask));
                known.IntersectWith(waiting.Select(ask => ask.Id));
                await next.WaitAsync(cancellationToken);
            }
        }
        finally
        {
            asks.Changed -= changed.Raise;
        }
    }

    public override void Dispose()
    {
        base.Dispose();
        _webhook.Dispose();
    }

    private static partial class Log
    {
        [LoggerMessage(2, LogLevel.Error, "The record could not be read for '{Name}'")]
        public static partial void NotRead(ILogger log, string name, Exception exception);
    }
}
