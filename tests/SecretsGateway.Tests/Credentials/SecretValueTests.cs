using System.Diagnostics;
using System.Reflection;
using System.Text.Json;
using Gatehouse.SecretsGateway.Credentials;

namespace Gatehouse.SecretsGateway.Tests.Credentials;

public class SecretValueTests
{
    [Fact]
    public void Secret_PrintedInAnyWay_IsNotShown()
    {
        using var secret = SecretValue.TryCreate("sk-very-secret", out _)!;
        Assert.Equal("[secret]", secret.ToString());
        Assert.Equal("[secret]", $"{secret}");
        Assert.Equal("\"[secret]\"", JsonSerializer.Serialize(secret));
        Assert.DoesNotContain("very", JsonSerializer.Serialize(new { Holder = secret }), StringComparison.Ordinal);
        Assert.Equal("[secret]", typeof(SecretValue).GetCustomAttribute<DebuggerDisplayAttribute>()!.Value);
        Assert.Empty(typeof(SecretValue).GetProperties());
    }

    [Fact]
    public void Secret_Injected_StandsWhereTheTemplateSays()
    {
        using var secret = SecretValue.TryCreate("k{secret}1", out _)!;
        Assert.Equal("Bearer k{secret}1!", secret.Inject("Bearer {secret}!"));
        Assert.True(secret.IsIn("x-k{secret}1-y"));
        Assert.False(secret.IsIn("k{secret}2"));
    }

    [Theory]
    [InlineData("", "is empty")]
    [InlineData("a\nb", "has a line break or NUL in it")]
    [InlineData("a\rb", "has a line break or NUL in it")]
    [InlineData("a\0b", "has a line break or NUL in it")]
    [InlineData("a\n", "has a line break or NUL in it")]
    [InlineData("a\tb", "has a character that no header may have")]
    [InlineData("a\u007fb", "has a character that no header may have")]
    [InlineData("café", "has a character that no header may have")]
    public void Secret_ThatCanNotStandInAHeader_IsRefused(string text, string wanted)
    {
        Assert.Null(SecretValue.TryCreate(text, out var error));
        Assert.Equal(wanted, error);
    }

    [Fact]
    public void Secret_AtTheLimit_IsTaken()
    {
        Assert.NotNull(SecretValue.TryCreate(new string('k', SecretValue.MaxLength), out _));
        Assert.Null(SecretValue.TryCreate(new string('k', SecretValue.MaxLength + 1), out _));
    }

    [Fact]
    public void Secret_Disposed_IsWiped()
    {
        var secret = SecretValue.TryCreate("abc", out _)!;
        secret.Dispose();
        secret.Dispose();
        Assert.Equal("\0\0\0", secret.Inject("{secret}"));
    }
}
