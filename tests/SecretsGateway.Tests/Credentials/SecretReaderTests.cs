using System.Collections.Immutable;
using System.Diagnostics;
using Gatehouse.Gate;
using Gatehouse.Policy.Secrets;
using Gatehouse.SecretsGateway.Credentials;
using Gatehouse.SecretsGateway.Tests.Support;
using Gatehouse.TestKit;

namespace Gatehouse.SecretsGateway.Tests.Credentials;

public sealed class SecretReaderTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Variable_OfTheLauncher_IsPreferredToTheServices()
    {
        Environment.SetEnvironmentVariable("GH_SECRET_READER", "of-the-service");
        Assert.Equal("of-the-launcher", Read(SecretScheme.Env, "GH_SECRET_READER", ("GH_SECRET_READER", "of-the-launcher")).Value);
        Assert.Equal("of-the-service", Read(SecretScheme.Env, "GH_SECRET_READER").Value);
        Assert.Contains("GH_MISSING is not set", Read(SecretScheme.Env, "GH_MISSING").Problem, StringComparison.Ordinal);
        Assert.Equal("the credential in GH_EMPTY is empty", Read(SecretScheme.Env, "GH_EMPTY", ("GH_EMPTY", "")).Problem);
    }

    [Theory]
    [InlineData("long-key")]
    [InlineData("long-key\n")]
    [InlineData("long-key\r\n")]
    [InlineData("long-key\n\n")]
    public void File_WithNewlinesAtItsEnd_IsReadWithoutThem(string text)
    {
        Write(text);
        Assert.Equal(("long-key", ""), Read(SecretScheme.File, "key"));
        Assert.Equal(("long-key", ""), Read(SecretScheme.File, _folder.File("key")));
    }

    [Theory]
    [InlineData("", "is empty")]
    [InlineData("\n", "is empty")]
    [InlineData("a\nb", "line break")]
    [InlineData("\ufeffkey", "no header may have")]
    public void File_WithoutAUsableCredential_IsAProblem(string text, string wanted)
    {
        Write(text);
        var (value, problem) = Read(SecretScheme.File, "key");
        Assert.Null(value);
        Assert.Contains(wanted, problem, StringComparison.Ordinal);
    }

    [Fact]
    public void File_OfTheGreatestSize_IsRead()
    {
        Write(new string('k', SecretValue.MaxLength) + "\r\n");
        Assert.Equal(SecretValue.MaxLength, Read(SecretScheme.File, "key").Value!.Length);
        Write(new string('k', SecretValue.MaxLength + 1));
        Assert.Contains("longer than", Read(SecretScheme.File, "key").Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void File_OpenToOthers_IsReadWithAWarning()
    {
        var path = _folder.Write("key", "k");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.OtherRead);
        Assert.Equal(("k", $"{path} is open to other users: chmod 600 it"), Read(SecretScheme.File, "key"));
    }

    [Fact]
    public void File_ThatIsNone_IsAProblemAndNotAWait()
    {
        Directory.CreateDirectory(_folder.File("folder"));
        using (var mkfifo = Process.Start("mkfifo", _folder.File("fifo")))
            mkfifo.WaitForExit();
        Assert.Contains("not a regular file", Read(SecretScheme.File, "folder").Problem, StringComparison.Ordinal);
        Assert.Contains("not a regular file", Read(SecretScheme.File, "fifo").Problem, StringComparison.Ordinal);
        Assert.Contains("not a regular file", Read(SecretScheme.File, "/dev/zero").Problem, StringComparison.Ordinal);
        Assert.Contains("No such file", Read(SecretScheme.File, "missing").Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Store_ThatIsNotSupported_IsAProblem() =>
        Assert.Contains("not supported", Read(SecretScheme.Command, "pass show key").Problem, StringComparison.Ordinal);

    private void Write(string text) =>
        File.SetUnixFileMode(_folder.Write("key", text), UnixFileMode.UserRead | UnixFileMode.UserWrite);

    private (string? Value, string Problem) Read(SecretScheme scheme, string source, params (string Name, string Value)[] environment)
    {
        var session = new GateSession(
            SessionId.Create(TimeProvider.System), Policies.Parse("version: 1"), _folder.Path, default, [],
            environment.ToImmutableDictionary(pair => pair.Name, pair => pair.Value), CancellationToken.None);
        using var secret = SecretReader.Read(session, new(scheme, source), out var problem);
        return (secret?.Inject("{secret}"), problem);
    }
}
