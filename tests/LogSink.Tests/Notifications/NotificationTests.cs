using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Gatehouse.LogSink.Notifications;
using Gatehouse.LogSink.Tests.Support;
using Gatehouse.Policy;
using Gatehouse.Policy.Events;
using Gatehouse.TestKit;

namespace Gatehouse.LogSink.Tests.Notifications;

public sealed class NotificationTests
{
    private static readonly BoundaryEvent s_denied = Sample.Event(subject: "GET api/$(touch /tmp/no)\e[2J") with
    {
        Gate = Boundary.Secrets,
        Action = "request",
        Verdict = VerdictKind.Denied,
    };

    private static BoundaryEvent Denied() => s_denied with { Id = Guid.CreateVersion7() };

    private static string[] Told(string file) => File.Exists(file) ? [.. File.ReadAllText(file).Split('\n', StringSplitOptions.RemoveEmptyEntries)] : [];

    [Fact]
    public async Task Command_OnADeniedSecretCall_HasItOnStandardInputAndNoTokenInItsEnvironment()
    {
        var file = Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString());
        // The shell is the person's own: it gets a script and a name, and nothing of the agent's.
        await using var sink = await RunningSink.StartAsync(
            null, "--LogSink:Notify:me:Command:0=/bin/sh", "--LogSink:Notify:me:Command:1=-c",
            "--LogSink:Notify:me:Command:2=cat >> \"$0\"; echo \" $# $(env | grep -ci gatehouse)\" >> \"$0\"", $"--LogSink:Notify:me:Command:3={file}",
            "--LogSink:Notify:me:On:0=secret.denied", "--LogSink:Notify:me:MostPerMinute=2");
        await sink.StoreAsync(Sample.Event(), Denied(), Denied(), Denied(), Denied());

        await Eventually.TrueAsync(() => Told(file).Length == 2);
        var line = Told(file)[0];
        using var told = JsonDocument.Parse(line[..(line.LastIndexOf('}') + 1)]);
        Assert.Equal("secret.denied", told.RootElement.GetProperty("notification").GetString());
        Assert.Equal(s_denied.Subject, told.RootElement.GetProperty("event").GetProperty("subject").GetString());
        Assert.EndsWith(" 0 0", line, StringComparison.Ordinal);
        Assert.DoesNotContain('\e', line);
        File.Delete(file);
    }

    [Fact]
    public async Task Command_ThatDoesNotEnd_IsEnded()
    {
        var problem = await CommandNotice.RunAsync(["/bin/sleep", "60"], new byte[1 << 20], TimeSpan.FromMilliseconds(300), CancellationToken.None);
        Assert.Contains("ended after", problem, StringComparison.Ordinal);
        Assert.NotNull(await CommandNotice.RunAsync(["/nowhere/program"], [], TimeSpan.FromSeconds(5), CancellationToken.None));
        Assert.Null(await CommandNotice.RunAsync(["/bin/true"], new byte[1 << 20], TimeSpan.FromSeconds(5), CancellationToken.None));
    }

    [Fact]
    public async Task Webhook_OnABurst_IsSignedAndTellsOnce()
    {
        await using var receiver = await StandInCollector.StartAsync();
        var posted = new List<(string Signature, string Expected, string Body)>();
        var secret = Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString());
        await File.WriteAllTextAsync(secret, "whsec_" + Convert.ToBase64String("a key"u8) + "\n");
        receiver.Instead = (context, body) =>
        {
            var headers = context.Request.Headers;
            var expected = WebhookNotice.Sign("a key", headers["webhook-id"]!, headers["webhook-timestamp"]!, body);
            lock (posted)
                posted.Add((headers["webhook-signature"]!, expected, Encoding.UTF8.GetString(body)));
            return Task.FromResult(true);
        };
        await using var sink = await RunningSink.StartAsync(
            null, $"--LogSink:Notify:hook:Url={receiver.Http}/hook", $"--LogSink:Notify:hook:SecretFile={secret}", "--LogSink:Notify:hook:On:0=denial.burst",
            "--LogSink:Notify:hook:BurstDenials=5");
        await sink.StoreAsync(Enumerable.Range(0, 4).Select(_ => Denied()));
        await sink.StoreAsync(Denied() with { Session = "other" });
        await sink.StoreAsync(Denied(), Denied());

        await Eventually.TrueAsync(() => posted.Count == 1);
        Assert.Equal(posted[0].Expected, posted[0].Signature);
        Assert.Contains("\"notification\":\"denial.burst\"", posted[0].Body, StringComparison.Ordinal);
        File.Delete(secret);
    }

    [Theory]
    [InlineData("Set-Cookie", true)]
    [InlineData("Location", false)]
    public void Secret_TakenOutOfAnAnswer_IsAnOccasion(string removed, bool expected)
    {
        var ended = Sample.Event() with
        {
            Gate = Boundary.Secrets,
            Attempt = Guid.NewGuid(),
            Detail = ImmutableSortedDictionary<string, string>.Empty.Add("removed", removed),
        };
        var occasions = new Occasions(new() { On = Occasions.Words }).Of(EventRow.From(ended), default);
        Assert.Equal(expected, occasions.SequenceEqual([Occasions.SecretReflected]));
    }

    [Fact]
    public void Burst_TooSlow_IsNone()
    {
        var occasions = new Occasions(new() { On = [Occasions.DenialBurst], BurstDenials = 3, BurstSeconds = 10 });
        var row = EventRow.From(s_denied);
        Assert.DoesNotContain(Enumerable.Range(0, 20), i => occasions.Of(row, DateTimeOffset.UnixEpoch.AddSeconds(i * 6)).Any());
    }
}
