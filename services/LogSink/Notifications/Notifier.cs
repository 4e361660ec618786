using Gatehouse.LogSink.Forwarding;
using Gatehouse.LogSink.Store;
using Microsoft.Extensions.Options;

namespace Gatehouse.LogSink.Notifications;

/// <summary>Follows the record from when the sink started, and tells what it was asked to tell, one at a time.</summary>
internal sealed partial class Notifier(IOptions<LogSinkOptions> options, EventStore store, TimeProvider time, ILogger<Notifier> log) : BackgroundService
{
    private const int Page = 200;

    private readonly WebhookNotice _webhook = new();

    protected override Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var from = store.Head.Sequence;
        return Task.WhenAll(options.Value.Notify.Select(each => Task.Run(() => FollowAsync(each.Key, each.Value, from, stoppingToken), CancellationToken.None)));
    }

    private async Task FollowAsync(string name, NotifyOptions notify, long cursor, CancellationToken cancellationToken)
    {
        var occasions = new Occasions(notify);
        var told = new Queue<DateTimeOffset>();
        var suppressed = 0L;
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
                    foreach (var occasion in occasions.Of(row, time.GetUtcNow()))
                    {
                        if (!MayTell(told, notify.MostPerMinute))
                        {
                            suppressed++;
                            continue;
                        }

                        await TellAsync(name, notify, occasion, suppressed, row, cancellationToken);
                        suppressed = 0;
                    }
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

    private bool MayTell(Queue<DateTimeOffset> told, int mostPerMinute)
    {
        var now = time.GetUtcNow();
        while (told.TryPeek(out var first) && now - first >= TimeSpan.FromMinutes(1))
            told.Dequeue();
        if (told.Count >= mostPerMinute)
            return false;
        told.Enqueue(now);
        return true;
    }

    private async Task TellAsync(string name, NotifyOptions notify, string occasion, long suppressed, EventRow row, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var body = NotificationText.Write(occasion, now, suppressed, row);
        var within = TimeSpan.FromSeconds(notify.TimeoutSeconds);
        var problem = notify.Url is { } url
            ? await _webhook.PostAsync(url, notify.SecretFile, row.Id.ToString(), now, body, within, cancellationToken)
            : await CommandNotice.RunAsync(notify.Command, body, within, cancellationToken);
        if (problem is not null)
            Log.NotTold(log, name, occasion, problem);
    }

    public override void Dispose()
    {
        base.Dispose();
        _webhook.Dispose();
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "'{Name}' was not told of {Occasion}: {Problem}")]
        public static partial void NotTold(ILogger log, string name, string occasion, string problem);

        [LoggerMessage(2, LogLevel.Error, "The record could not be read for '{Name}'")]
        public static partial void NotRead(ILogger log, string name, Exception exception);
    }
}
