using System.Net;
using Gatehouse.EgressProxy.Asking;
using Gatehouse.EgressProxy.Decisions;
using Gatehouse.EgressProxy.Destinations;
using Microsoft.Extensions.Time.Testing;

namespace Gatehouse.EgressProxy.Tests.Asking;

public sealed class SessionAsksTests
{
    private static readonly TimeSpan Again = TimeSpan.FromSeconds(10);

    private readonly FakeTimeProvider _time = new();
    private readonly List<(TaskCompletionSource<AskAnswer> Answer, CancellationToken Token)> _asked = [];

    private static Destination To(int port) => new(RemoteHost.Of(IPAddress.Parse("9.9.9.9")), port);

    private object _policy = new();

    private SessionAsks Create(int most = 4) => new(most, Again, () => _policy, _time);

    private (Denial Known, SharedAsk? Ask) Join(SessionAsks asks, int port = 443) => asks.Join(To(port), token =>
    {
        var answer = new TaskCompletionSource<AskAnswer>();
        token.Register(() => answer.TrySetCanceled(token));
        _asked.Add((answer, token));
        return answer.Task;
    });

    [Theory]
    [InlineData(nameof(AskAnswer.AllowedOnce), nameof(Denial.None), 2)]
    [InlineData(nameof(AskAnswer.Allowed), nameof(Denial.None), 1)]
    [InlineData(nameof(AskAnswer.Denied), nameof(Denial.Refused), 1)]
    [InlineData(nameof(AskAnswer.DeniedOnce), nameof(Denial.Refused), 1)]
    [InlineData(nameof(AskAnswer.Expired), nameof(Denial.Unanswered), 1)]
    [InlineData(nameof(AskAnswer.Unavailable), nameof(Denial.NobodyToAsk), 2)]
    public async Task Join_SameDestination_IsAskedOnceAndRememberedAsFarAsTheAnswerReaches(string answer, string denial, int askedInAll)
    {
        var asks = Create();
        var (one, two) = (Join(asks).Ask!, Join(asks).Ask!);
        Assert.Same(one, two);
        Assert.Single(_asked);
        _asked[0].Answer.SetResult(Enum.Parse<AskAnswer>(answer));
        Assert.Equal(Enum.Parse<Denial>(denial), await two.Answer);
        asks.Leave(one);
        asks.Leave(two);
        Join(asks);
        Assert.Equal(askedInAll, _asked.Count);
    }

    [Fact]
    public async Task Join_AfterANo_AsksAgainOnlyAfterAWhile()
    {
        var asks = Create();
        var ask = Join(asks).Ask!;
        _asked[0].Answer.SetResult(AskAnswer.DeniedOnce);
        await ask.Answer;
        asks.Leave(ask);
        Assert.Equal(Denial.Refused, Join(asks).Known);
        _time.Advance(Again);
        Assert.NotNull(Join(asks).Ask);
    }

    [Fact]
    public void Join_Flood_IsBounded()
    {
        var asks = Create(most: 2);
        Assert.NotNull(Join(asks, 1).Ask);
        var second = Join(asks, 2).Ask!;
        Assert.Equal(Denial.TooManyHeld, Join(asks, 3).Known);
        asks.Leave(second);
        Assert.NotNull(Join(asks, 3).Ask);
    }

    [Fact]
    public async Task Leave_LastOne_TakesTheQuestionBackAndTheNextAsksAnew()
    {
        var asks = Create();
        var (one, two) = (Join(asks).Ask!, Join(asks).Ask!);
        asks.Leave(one);
        Assert.False(_asked[0].Token.IsCancellationRequested);
        asks.Leave(two);
        Assert.True(_asked[0].Token.IsCancellationRequested);
        Assert.Equal(Denial.Unapproved, await two.Answer);
        Assert.NotSame(two, Join(asks).Ask);
        Assert.Equal(2, _asked.Count);
    }

    /// <summary>The rule that "always" wrote may be taken out again: what was answered must not outlive it.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Join_AfterAlways_IsLetThroughOnlyUntilTheRuleDecides(bool isReloaded)
    {
        var asks = Create();
        var ask = Join(asks).Ask!;
        _asked[0].Answer.SetResult(AskAnswer.AllowedAlways);
        Assert.Equal(Denial.None, await ask.Answer);
        asks.Leave(ask);
        Assert.Equal((Denial.None, null), Join(asks));
        if (isReloaded)
            _policy = new();
        else
            _time.Advance(SessionAsks.UntilReload);
        Assert.NotNull(Join(asks).Ask);
    }
}
