using System.Text;
using Gatehouse.EgressProxy.Http;

namespace Gatehouse.EgressProxy.Tests.Http;

public sealed class RequestHeadReaderTests
{
    private const string Sound = "CONNECT allowed.test:443 HTTP/1.1\r\nHost: allowed.test:443\r\nUser-Agent:  curl/8 \r\n\r\n";

    [Fact]
    public void SoundHead_IsRead_AndWhatFollowsIsLeft()
    {
        Assert.True(RequestHeadReader.TryRead(Encoding.ASCII.GetBytes(Sound + "more"), out var head, out var length, out _));
        Assert.Equal(new RequestHead("CONNECT", "allowed.test:443", true, "allowed.test:443", false), head);
        Assert.Equal(Sound.Length, length);
    }

    [Fact]
    public void EveryPrefix_NeedsMore()
    {
        for (var length = 0; length < Sound.Length; length++)
        {
            Assert.False(RequestHeadReader.TryRead(Encoding.ASCII.GetBytes(Sound[..length]), out _, out _, out var error));
            Assert.Equal(RequestHeadError.None, error);
        }
    }

    [Fact]
    public void Mutated_NeverThrows()
    {
        var random = new Random(20261123);
        for (var round = 0; round < 20_000; round++)
        {
            var bytes = Encoding.ASCII.GetBytes(Sound);
            for (var flips = random.Next(1, 5); flips > 0; flips--)
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            if (RequestHeadReader.TryRead(bytes, out var head, out var length, out var error))
            {
                Assert.Equal(RequestHeadError.None, error);
                Assert.InRange(length, 1, bytes.Length);
                Assert.DoesNotContain('\n', head.Target);
            }
        }
    }

    [Theory]
    [InlineData("CONNECT a:1 HTTP/1.1\nHost: a:1\n\n", nameof(RequestHeadError.BareLineFeed))]
    [InlineData("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\n", nameof(RequestHeadError.BareLineFeed))]
    [InlineData("\nCONNECT a:1 HTTP/1.1\r\n", nameof(RequestHeadError.BareLineFeed))]
    [InlineData("\r\nCONNECT a:1 HTTP/1.1\r\n", nameof(RequestHeadError.InvalidRequestLine))]
    [InlineData("CONNECT a:1\r\n", nameof(RequestHeadError.InvalidRequestLine))]
    [InlineData("CONNECT  a:1 HTTP/1.1\r\n", nameof(RequestHeadError.InvalidRequestLine))]
    [InlineData("CONNECT a:1 HTTP/1.1 \r\n", nameof(RequestHeadError.InvalidRequestLine))]
    [InlineData("CONNECT a:1 HTTP/2.0\r\n", nameof(RequestHeadError.InvalidRequestLine))]
    [InlineData("CONNECT a:1 http/1.1\r\n", nameof(RequestHeadError.InvalidRequestLine))]
    [InlineData("CON\rNECT a:1 HTTP/1.1\r\n", nameof(RequestHeadError.InvalidRequestLine))]
    [InlineData("CONNECT a\0:1 HTTP/1.1\r\n", nameof(RequestHeadError.InvalidRequestLine))]
    [InlineData("CONNECT á:1 HTTP/1.1\r\n", nameof(RequestHeadError.InvalidRequestLine))]
    [InlineData("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n folded\r\n\r\n", nameof(RequestHeadError.ObsoleteFold))]
    [InlineData("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\tfolded\r\n\r\n", nameof(RequestHeadError.ObsoleteFold))]
    [InlineData("CONNECT a:1 HTTP/1.1\r\nHost : a:1\r\n\r\n", nameof(RequestHeadError.InvalidField))]
    [InlineData("CONNECT a:1 HTTP/1.1\r\n: a:1\r\n\r\n", nameof(RequestHeadError.InvalidField))]
    [InlineData("CONNECT a:1 HTTP/1.1\r\nHost\r\n\r\n", nameof(RequestHeadError.InvalidField))]
    [InlineData("CONNECT a:1 HTTP/1.1\r\nHost: a:1\rX: y\r\n\r\n", nameof(RequestHeadError.InvalidField))]
    [InlineData("CONNECT a:1 HTTP/1.1\r\nHost: a\0:1\r\n\r\n", nameof(RequestHeadError.InvalidField))]
    [InlineData("CONNECT a:1 HTTP/1.1\r\n\r\n", nameof(RequestHeadError.InvalidHost))]
    [InlineData("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nhost: b:1\r\n\r\n", nameof(RequestHeadError.InvalidHost))]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", nameof(RequestHeadError.InvalidLength))]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n", nameof(RequestHeadError.InvalidLength))]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\n", nameof(RequestHeadError.InvalidLength))]
    [InlineData("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", nameof(RequestHeadError.InvalidLength))]
    public void Ambiguous_IsRejected(string text, string expected)
    {
        Assert.False(RequestHeadReader.TryRead(Encoding.Latin1.GetBytes(text), out _, out _, out var error));
        Assert.Equal(expected, error.ToString());
    }

    [Fact]
    public void LongHead_IsRejected_ItsBoundIsNot()
    {
        var head = "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nX: ";
        var fits = head + new string('x', RequestHeadReader.MaxLength - head.Length - 4) + "\r\n\r\n";

        Assert.True(RequestHeadReader.TryRead(Encoding.ASCII.GetBytes(fits), out _, out _, out _));
        var longer = fits.Replace("X:", "XX:", StringComparison.Ordinal);
        Assert.False(RequestHeadReader.TryRead(Encoding.ASCII.GetBytes(longer), out _, out _, out var error));
        Assert.Equal(RequestHeadError.TooLong, error);
        Assert.False(RequestHeadReader.TryRead(Encoding.ASCII.GetBytes(new string('x', RequestHeadReader.MaxLength)), out _, out _, out error));
        Assert.Equal(RequestHeadError.TooLong, error);
    }

    [Theory]
    [InlineData(RequestHeadReader.MaxFields, true)]
    [InlineData(RequestHeadReader.MaxFields + 1, false)]
    public void ManyFields_AreBounded(int count, bool isRead)
    {
        var text = "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n" + string.Concat(Enumerable.Repeat("X: y\r\n", count - 1)) + "\r\n";

        Assert.Equal(isRead, RequestHeadReader.TryRead(Encoding.ASCII.GetBytes(text), out _, out _, out _));
    }

    [Theory]
    [InlineData("CONNECT allowed.test:443 HTTP/1.1\r\nHost: allowed.test:443\r\n\r\n", "allowed.test:443")]
    [InlineData("CONNECT allowed.test:443 HTTP/1.1\r\nHost: ALLOWED.test\r\n\r\n", "allowed.test:443")]
    [InlineData("CONNECT allowed.test:22 HTTP/1.0\r\n\r\n", "allowed.test:22")]
    [InlineData("CONNECT [::1]:443 HTTP/1.0\r\n\r\n", "[::1]:443")]
    [InlineData("CONNECT 0x7f.1:443 HTTP/1.0\r\n\r\n", "127.0.0.1:443")]
    [InlineData("CONNECT 2130706433:443 HTTP/1.0\r\n\r\n", "127.0.0.1:443")]
    [InlineData("CONNECT [::ffff:127.0.0.1]:443 HTTP/1.0\r\n\r\n", "127.0.0.1:443")]
    [InlineData("CONNECT allowed.test:443 HTTP/1.1\r\nHost: evil.test:443\r\n\r\n", null)]
    [InlineData("CONNECT allowed.test:443 HTTP/1.1\r\nHost: allowed.test:80\r\n\r\n", null)]
    [InlineData("CONNECT allowed.test:443 HTTP/1.1\r\nHost: \r\n\r\n", null)]
    [InlineData("CONNECT allowed.test HTTP/1.0\r\n\r\n", null)]
    [InlineData("CONNECT allowed.test: HTTP/1.0\r\n\r\n", null)]
    [InlineData("CONNECT allowed.test:0443 HTTP/1.0\r\n\r\n", null)]
    [InlineData("CONNECT allowed.test:+443 HTTP/1.0\r\n\r\n", null)]
    [InlineData("CONNECT allowed.test:65536 HTTP/1.0\r\n\r\n", null)]
    [InlineData("CONNECT allowed.test:0 HTTP/1.0\r\n\r\n", null)]
    [InlineData("CONNECT allowed.test,evil.test:443 HTTP/1.0\r\n\r\n", null)]
    [InlineData("CONNECT user@allowed.test:443 HTTP/1.0\r\n\r\n", null)]
    [InlineData("CONNECT allowed.test:443:443 HTTP/1.0\r\n\r\n", null)]
    [InlineData("CONNECT ::1:443 HTTP/1.0\r\n\r\n", null)]
    [InlineData("CONNECT http://allowed.test:443 HTTP/1.0\r\n\r\n", null)]
    [InlineData("CONNECT allowed.test:443/ HTTP/1.0\r\n\r\n", null)]
    [InlineData("CONNECT allowed.test:443 HTTP/1.0\r\nContent-Length: 5\r\n\r\n", null)]
    [InlineData("CONNECT allowed.test:443 HTTP/1.1\r\nHost: allowed.test\r\nTransfer-Encoding: chunked\r\n\r\n", null)]
    [InlineData("GET allowed.test:443 HTTP/1.0\r\n\r\n", null)]
    public void Connect_IsReadStrictly(string text, string? destination)
    {
        Assert.True(RequestHeadReader.TryRead(Encoding.ASCII.GetBytes(text), out var head, out _, out _));
        Assert.Equal(destination, ConnectRequest.TryRead(head, out var read) ? read.ToString() : null);
    }
}
