using Microsoft.Extensions.Time.Testing;

namespace Gatehouse.Gate.Tests;

public sealed class SessionIdTests
{
    [Fact]
    public void SessionId_Created_IsLocalTimeAndFourCharacters()
    {
        var time = new FakeTimeProvider(new(2026, 11, 23, 14, 30, 12, TimeSpan.Zero));
        time.SetLocalTimeZone(TimeZoneInfo.CreateCustomTimeZone("test", TimeSpan.FromHours(1), null, null));
        var id = SessionId.Create(time);
        Assert.Matches("^20261123-153012-[a-z0-9]{4}$", id.Value);
        Assert.True(SessionId.TryParse(id.Value, out var parsed));
        Assert.Equal(id, parsed);
        Assert.NotEqual(id, SessionId.Create(time));
    }

    [Theory]
    [InlineData("a", true)]
    [InlineData("0123456789012345678901234567890123456789", true)]
    [InlineData("01234567890123456789012345678901234567890", false)]
    [InlineData("", false)]
    [InlineData(null, false)]
    [InlineData("-a", false)]
    [InlineData("a-", true)]
    [InlineData("A", false)]
    [InlineData("a/b", false)]
    [InlineData("a.b", false)]
    [InlineData("a\n", false)]
    [InlineData("é", false)]
    public void SessionId_Parsed_IsOneFileNameOrNothing(string? text, bool valid) => Assert.Equal(valid, SessionId.TryParse(text, out _));
}
