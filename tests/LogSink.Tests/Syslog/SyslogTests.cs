using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using Gatehouse.LogSink.Syslog;
using Gatehouse.LogSink.Tests.Support;

namespace Gatehouse.LogSink.Tests.Syslog;

public sealed partial class SyslogTests
{
    [GeneratedRegex("^<(108|110)>1 \\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{6}Z [!-~]{1,255} gatehouse - [!-~]{1,32} \\[gatehouse@32473( [!-<>-\\\\^-~]{1,32}=\"([^\"\\\\\\]]|\\\\[\"\\\\\\]])*\")+\\] \uFEFF[^\\p{C}]*$")]
    private static partial Regex Form();

    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("a\"b\\c]d", "a\\\"b\\\\c\\]d")]
    [InlineData("line\nfeed\e[2J", "line\\\\u{A}feed\\\\u{1B}[2J")]
    [InlineData("right\u202Eleft\u2028", "right\\\\u{202E}left\\\\u{2028}")]
    public void Message_OfAHostileSubject_HasTheFormOfTheRfc(string subject, string escaped)
    {
        var row = EventRow.From(Sample.Full() with { Subject = subject, Detail = null });
        var text = Encoding.UTF8.GetString(SyslogMessage.Write(row, "host", 8_192));
        Assert.Matches(Form(), text);
        Assert.StartsWith("<108>1 2026-11-23T14:30:12.000000Z host gatehouse - query [gatehouse@32473 sequence=\"0\" id=\"", text, StringComparison.Ordinal);
        Assert.Contains($" subject=\"{escaped}\"", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Message_OfALargeRecord_IsCutAndStillOne()
    {
        var detail = Enumerable.Range(0, 32).ToImmutableSortedDictionary(i => $"n=] {i}", _ => new string('漢', 4_000));
        var row = EventRow.From(Sample.Full() with { Subject = new string('\e', 2_048), Detail = detail });
        foreach (var most in new[] { 1_024, 2_048, 8_192 })
        {
            var bytes = SyslogMessage.Write(row, "host", most);
            Assert.InRange(bytes.Length, 300, most);
            Assert.Matches(Form(), Encoding.UTF8.GetString(bytes));
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Record_OverTcp_ArrivesInOrder_AlsoWhenTheReceiverWasAway(bool tls)
    {
        using var authority = new TestKit.TestCertificates();
        using var certificate = authority.CreateLeaf("localhost");
        var ca = Path.Combine(Path.GetTempPath(), Guid.NewGuid() + ".pem");
        await File.WriteAllTextAsync(ca, authority.AuthorityPem);
        int port;
        using (var closed = new TcpListener(IPAddress.Loopback, 0))
        {
            closed.Start();
            port = ((IPEndPoint)closed.LocalEndpoint).Port;
        }

        var url = $"{(tls ? "syslogs" : "syslog")}://localhost:{port}";
        await using var sink = await RunningSink.StartAsync(null, $"--LogSink:Forward:s:Url={url}", $"--LogSink:Forward:s:CaFile={ca}");
        await sink.StoreAsync(Sample.Many(600));
        await Task.Delay(200);
        using var listener = new TcpListener(IPAddress.Loopback, port);
        listener.Start();
        using var client = await listener.AcceptTcpClientAsync();
        Stream stream = client.GetStream();
        if (tls)
        {
            var secured = new SslStream(stream);
            await secured.AuthenticateAsServerAsync(certificate);
            stream = secured;
        }

        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(15));
        for (var i = 1; i <= 600; i++)
            Assert.Contains($" sequence=\"{i}\" ", await ReadAsync(stream, timeout.Token), StringComparison.Ordinal);
        File.Delete(ca);
    }

    private static async Task<string> ReadAsync(Stream stream, CancellationToken cancellationToken)
    {
        var length = "";
        var one = new byte[1];
        while (true)
        {
            await stream.ReadExactlyAsync(one, cancellationToken);
            if (one[0] == ' ')
                break;
            length += (char)one[0];
        }

        var message = new byte[int.Parse(length, NumberStyles.None, CultureInfo.InvariantCulture)];
        await stream.ReadExactlyAsync(message, cancellationToken);
        return Encoding.UTF8.GetString(message);
    }
}
