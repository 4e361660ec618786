using System.Globalization;
using System.Security.Cryptography;
using Gatehouse.LogSink.Tests.Support;

namespace Gatehouse.LogSink.Tests.Fault;

/// <summary>The sink is killed at moments nobody chose, while it sends the record on.</summary>
public sealed class ForwardKillTests : IDisposable
{
    private const int Rounds = 8, PerRound = 200;

    private readonly string _folder = Directory.CreateTempSubdirectory("log-sink-").FullName;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Sink_KilledWhileForwarding_TheReceiverHasEveryRecordInOrderWithRepeatsOnly(bool grpc)
    {
        await using var collector = await StandInCollector.StartAsync();
        // A receiver that takes its time: otherwise all is sent before the kill.
        collector.Instead = async (_, _) =>
        {
            await Task.Delay(5);
            return false;
        };
        string[] more = [$"--LogSink:Forward:a:Url={(grpc ? collector.Grpc : collector.Http)}", "--LogSink:Forward:a:BatchRecords=5"];
        var interrupted = 0;
        for (var round = 0; round < Rounds; round++)
        {
            await using var sink = await SinkProcess.StartAsync(_folder, [], more, SinkProcess.Program);
            using var stored = await RunningSink.PostAsync(sink.Client, Sample.Lines(Sample.Many(PerRound, $"s{round}")));
            stored.EnsureSuccessStatusCode();
            var before = collector.Records.Count;
            await TestKit.Eventually.TrueAsync(() => collector.Records.Count > before);
            await Task.Delay(RandomNumberGenerator.GetInt32(1, 60));
            await sink.KillAsync();
            if (Sequences(collector).Max() < (round + 1) * PerRound)
                interrupted++;
        }

        await using var last = await SinkProcess.StartAsync(_folder, [], more, SinkProcess.Program);
        await TestKit.Eventually.TrueAsync(() => Sequences(collector).Max() == Rounds * PerRound);

        var through = 0L;
        foreach (var sequence in Sequences(collector))
        {
            Assert.True(sequence <= through + 1, $"{sequence} came when only {through} had");
            through = Math.Max(through, sequence);
        }

        Assert.True(interrupted > Rounds / 2, $"only {interrupted} kills hit a sink that was sending");
    }

    private static IEnumerable<long> Sequences(StandInCollector collector) =>
        collector.Records.Select(record => long.Parse(record["gatehouse.sequence"], CultureInfo.InvariantCulture));

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
