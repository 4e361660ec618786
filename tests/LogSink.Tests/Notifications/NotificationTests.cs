using System.Collections.Immutable;
using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Gatehouse.LogSink.Notifications;
using Gatehouse.LogSink.Tests.Support;
using Gatehouse.Policy;
using Gatehouse.Policy.Events;
using Gatehouse.TestKit;
using Microsoft.Extensions.Time.Testing;

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
            "--LogSink:Notify:me:On:0=secret.denied");
        await sink.StoreAsync(Sample.Event(), Denied());

        await Eventually.TrueAsync(() => Told(file) is [var line] && line.EndsWith(" 0 0", StringComparison.Ordinal));
        var line = Told(file)[0];
        using var told = JsonDocument.Parse(line[..(line.LastIndexOf('}') + 1)]);
        Assert.Equal("secret.denied", told.RootElement.GetProperty("notification").GetString());
        Assert.Equal(s_denied.Subject, told.RootElement.GetProperty("event").GetProperty("subject").GetString());
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

    /// <summary>Keeps what is posted, and answers as it is told to.</summary>
    private static List<(string Id, string Notification, long Suppressed, string Signed, string Signature)> Keep(StandInCollector receiver, Func<int, int> status)
    {
        var posted = new List<(string, string, long, string, string)>();
        receiver.Instead = (context, body) =>
        {
            var headers = context.Request.Headers;
            using var told = JsonDocument.Parse(body);
            lock (posted)
            {
                posted.Add((headers["webhook-id"]!, told.RootElement.GetProperty("notification").GetString()!, told.RootElement.GetProperty("suppressed").GetInt64(),
                    $"{headers["webhook-id"]}.{headers["webhook-timestamp"]}.{Encoding.UTF8.GetString(body)}", headers["webhook-signature"]!));
                context.Response.StatusCode = status(posted.Count);
            }

            return Task.FromResult(true);
        };
        return posted;
    }

    private static BoundaryEvent Reflected() => Sample.Event() with
    {
        Gate = Boundary.Secrets,
        Action = "request.end",
        Attempt = Guid.NewGuid(),
        Detail = ImmutableSortedDictionary<string, string>.Empty.Add("reflected", "Location"),
    };

    /// <summary>The example that standardwebhooks.com publishes.</summary>
    [Fact]
    public void Webhook_OfTheSpecification_HasItsSignature() =>
        Assert.Equal("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            WebhookNotice.Sign("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n", "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", """{"test": 2432232314}"""u8.ToArray()));

    [Fact]
    public async Task Webhook_OnADenialThatCompletesABurst_HasAnIdOfItsOwnForEach()
    {
        await using var receiver = await StandInCollector.StartAsync();
        var posted = Keep(receiver, _ => 200);
        var secret = Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString());
        await File.WriteAllTextAsync(secret, "whsec_" + Convert.ToBase64String("a key"u8) + "\n");
        await using var sink = await RunningSink.StartAsync(
            null, $"--LogSink:Notify:hook:Url={receiver.Http}/hook", $"--LogSink:Notify:hook:SecretFile={secret}", "--LogSink:Notify:hook:On:0=denial.burst",
            "--LogSink:Notify:hook:On:1=secret.denied", "--LogSink:Notify:hook:BurstDenials=5");
        await sink.StoreAsync(Enumerable.Range(0, 4).Select(_ => Denied()));
        await sink.StoreAsync(Denied() with { Session = "other" });
        await sink.StoreAsync(Denied(), Denied());

        await Eventually.TrueAsync(() => posted.Count == 7);
        Assert.Equal(["denial.burst", .. Enumerable.Repeat("secret.denied", 6)], posted.Select(each => each.Notification).Order());
        Assert.Equal(7, posted.Select(each => each.Id).Distinct().Count());
        Assert.All(posted, each => Assert.Equal("v1," + Convert.ToBase64String(HMACSHA256.HashData("a key"u8, Encoding.UTF8.GetBytes(each.Signed))), each.Signature));
        File.Delete(secret);
    }

    [Fact]
    public async Task Webhook_ThatFails_IsTriedAgainUnderTheSameId()
    {
        await using var receiver = await StandInCollector.StartAsync();
        var posted = Keep(receiver, count => count == 1 ? 500 : 200);
        var secret = Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString());
        await File.WriteAllTextAsync(secret, "a key");
        await using var sink = await RunningSink.StartAsync(
            null, $"--LogSink:Notify:hook:Url={receiver.Http}", $"--LogSink:Notify:hook:SecretFile={secret}", "--LogSink:Notify:hook:On:0=secret.denied");
        await sink.StoreAsync(Denied());
        await Eventually.TrueAsync(() => posted.Count == 2);
        await sink.StoreAsync(Denied());
        await Eventually.TrueAsync(() => posted.Count == 3);
        Assert.Equal(posted[0].Id, posted[1].Id);
        Assert.NotEqual(posted[1].Id, posted[2].Id);
        Assert.All(posted, each => Assert.Equal(0, each.Suppressed));
        File.Delete(secret);
    }

    /// <summary>What was not told is said with what is.</summary>
    [Fact]
    public async Task Command_ThatFails_CountsAsNotTold()
    {
        var file = Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString());
        await using var sink = await RunningSink.StartAsync(
            null, "--LogSink:Notify:me:Command:0=/bin/sh", "--LogSink:Notify:me:Command:1=-c",
            "--LogSink:Notify:me:Command:2=cat >> \"$0\"; echo >> \"$0\"; exit $((2 - $(wc -l < \"$0\")))", $"--LogSink:Notify:me:Command:3={file}", "--LogSink:Notify:me:On:0=secret.denied");
        await sink.StoreAsync(Denied());
        await Eventually.TrueAsync(() => Told(file).Length == 1);
        await sink.StoreAsync(Denied());
        await Eventually.TrueAsync(() => Told(file).Length == 2);
        Assert.Contains("\"suppressed\":1,", Told(file)[1], StringComparison.Ordinal);
        File.Delete(file);
    }

    /// <summary>Six cheap denials must not hide that a credential came back.</summary>
    [Fact]
    public async Task Flood_OfOneOccasion_IsBoundedCountedAndSilencesNoOther()
    {
        await using var receiver = await StandInCollector.StartAsync();
        var posted = Keep(receiver, _ => 200);
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var sink = await RunningSink.StartAsync(
            time, $"--LogSink:Notify:hook:Url={receiver.Http}", "--LogSink:Notify:hook:On:0=secret.denied", "--LogSink:Notify:hook:On:1=secret.reflected",
            "--LogSink:Notify:hook:MostPerMinute=2");
        await sink.StoreAsync([.. Enumerable.Range(0, 50).Select(_ => Denied()), Reflected()]);
        // Stored behind the flood: when it is told, all of the flood was looked at.
        await Eventually.TrueAsync(() => posted.Count == 3);
        Assert.Equal(["secret.denied", "secret.denied", "secret.reflected"], posted.Select(each => each.Notification).Order());

        time.Advance(TimeSpan.FromMinutes(1));
        await sink.StoreAsync(Denied(), Reflected());
        await Eventually.TrueAsync(() => posted.Count == 5);
        // With whichever was told while or after they were counted.
        Assert.Equal(48, posted.Where(each => each.Notification == "secret.denied").Sum(each => each.Suppressed));
        Assert.Equal(0, posted.Where(each => each.Notification == "secret.reflected").Sum(each => each.Suppressed));
    }

    [Fact]
    public async Task Notice_WhenTheClockIsSetBack_IsToldAllTheSame()
    {
        await using var receiver = await StandInCollector.StartAsync();
        var posted = Keep(receiver, _ => 200);
        var time = new ClockThatIsSet();
        await using var sink = await RunningSink.StartAsync(
            time, $"--LogSink:Notify:hook:Url={receiver.Http}", "--LogSink:Notify:hook:On:0=secret.denied", "--LogSink:Notify:hook:MostPerMinute=1");
        await sink.StoreAsync(Denied());
        await Eventually.TrueAsync(() => posted.Count == 1);
        (time.Off, time.Passed) = (TimeSpan.FromDays(-1), TimeSpan.FromMinutes(1));
        await sink.StoreAsync(Denied());
        await Eventually.TrueAsync(() => posted.Count == 2);
    }

    [Fact]
    public async Task Ask_ThatWaits_IsTold()
    {
        await using var receiver = await StandInCollector.StartAsync();
        var told = new List<JsonElement>();
        receiver.Instead = (_, body) =>
        {
            lock (told)
                told.Add(JsonDocument.Parse(body).RootElement.Clone());
            return Task.FromResult(true);
        };
        await using var sink = await RunningSink.StartAsync(
            null, $"--LogSink:Notify:hook:Url={receiver.Http}", "--LogSink:Notify:hook:On:0=ask.waiting", "--LogSink:Notify:hook:MostPerMinute=2");
        foreach (var host in (string[])["a.test", "b.test", "c.test", "d.test"])
        {
            var ask = new { id = Guid.CreateVersion7(), session = "s1", gate = "egress", subject = "x", host, port = 443, rule = "egress.otherwise", expires = TimeProvider.System.GetUtcNow().AddMinutes(1) };
            Assert.Equal(HttpStatusCode.Created, (await sink.Client.PostAsJsonAsync("/asks", ask)).StatusCode);
        }

        await Eventually.TrueAsync(() => told.Count == 2);
        Assert.All(told, each => Assert.Equal("ask.waiting", each.GetProperty("notification").GetString()));
        Assert.Equal(["a.test:443", "b.test:443"], told.Select(each => each.GetProperty("ask").GetProperty("subject").GetString()));
    }

    [Theory]
    [InlineData("reflected", "Location", true)]
    [InlineData("removed", "Location", false)]
    public void Secret_ShownInAnAnswer_IsAnOccasion(string member, string value, bool expected)
    {
        var ended = Reflected() with { Detail = ImmutableSortedDictionary<string, string>.Empty.Add(member, value) };
        var occasions = new Occasions(new() { On = Occasions.Words }, TimeProvider.System).Of(EventRow.From(ended));
        Assert.Equal(expected, occasions.SequenceEqual([Occasions.SecretReflected]));
    }

    [Theory]
    [InlineData("request", 6, 0)]
    [InlineData("request", 4, 6)]
    [InlineData("ask.denied", 0, 0)]
    public void Burst_TooSlowOrOfAnswers_IsNone(string action, int secondsBetween, int expected)
    {
        var time = new FakeTimeProvider();
        var occasions = new Occasions(new() { On = [Occasions.DenialBurst], BurstDenials = 3, BurstSeconds = 10 }, time);
        var row = EventRow.From(s_denied with { Action = action });
        Assert.Equal(expected, Enumerable.Range(0, 20).Count(_ =>
        {
            time.Advance(TimeSpan.FromSeconds(secondsBetween));
            return occasions.Of(row).Any();
        }));
    }
}
