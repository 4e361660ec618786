using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using Gatehouse.LogSink.Tests.Support;
using Gatehouse.Policy.Events;

namespace Gatehouse.LogSink.Tests.Fault;

/// <summary>The sink is killed again and again at moments nobody chose, while several senders send as gates do: until they get an answer.</summary>
public sealed class KillTests : IDisposable
{
    private const int Rounds = 30, Senders = 3, PerBatch = 20;

    private readonly string _folder = Directory.CreateTempSubdirectory("log-sink-").FullName;

    [Fact]
    public async Task Sink_KilledAgainAndAgainUnderLoad_LosesNothingAndStoresNothingTwice()
    {
        var senders = Enumerable.Range(0, Senders).Select(each => new Sender($"s{each}")).ToList();
        for (var round = 0; round < Rounds; round++)
        {
            await using var sink = await SinkProcess.StartAsync(_folder);
            var sending = Task.WhenAll(senders.Select(sender => sender.RunAsync(sink.Client, untilEmpty: false)));
            // A new process takes a while for its first batch: without waiting for it in every other round, most kills would hit nothing.
            var before = senders.Sum(sender => sender.Count);
            for (var i = 0; round % 2 == 0 && senders.Sum(sender => sender.Count) == before && i < 200; i++)
                await Task.Delay(10);
            await Task.Delay(RandomNumberGenerator.GetInt32(1, round % 2 == 0 ? 100 : 400));
            await sink.KillAsync();
            await sending;
        }

        await using var last = await SinkProcess.StartAsync(_folder);
        await Task.WhenAll(senders.Select(sender => sender.RunAsync(last.Client, untilEmpty: true)));
        var stored = (await StoredRecords.ReadAsync(last.Client)).Select(each => each.Id).ToList();

        Assert.Equal(senders.SelectMany(sender => sender.Acknowledged).Order(), stored.Order());
        // Otherwise the kills hit nothing but start-up.
        Assert.True(stored.Count >= Rounds * PerBatch, $"only {stored.Count} events");
        using var verified = JsonDocument.Parse(await last.Client.GetStringAsync("/verify"));
        Assert.True(verified.RootElement.GetProperty("ok").GetBoolean(), verified.RootElement.ToString());
        Assert.Equal(stored.Count, verified.RootElement.GetProperty("records").GetInt32());
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private sealed class Sender(string session)
    {
        private BoundaryEvent[]? _waiting;

        private volatile int _count;

        public List<Guid> Acknowledged { get; } = [];

        /// <summary>Of what was acknowledged; may be read meanwhile.</summary>
        public int Count => _count;

        /// <summary>Ends when the sink is gone, or, at the end, when nothing waits.</summary>
        public async Task RunAsync(HttpClient client, bool untilEmpty)
        {
            while (_waiting is not null || !untilEmpty)
            {
                _waiting ??= Sample.Many(PerBatch, session);
                try
                {
                    using var response = await RunningSink.PostAsync(client, Sample.Lines(_waiting));
                    if (response.StatusCode != HttpStatusCode.OK)
                        continue;
                }
                catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException && !untilEmpty)
                {
                    return;
                }

                Acknowledged.AddRange(_waiting.Select(each => each.Id));
                _count = Acknowledged.Count;
                _waiting = null;
            }
        }
    }
}
