using System.Buffers.Binary;
using System.Collections.Concurrent;
using Gatehouse.Gate.Recording;

namespace Gatehouse.Gate.Tests.Recording;

public sealed class EventIdTests
{
    [Theory]
    [InlineData("2026-11-24T09:27:13.456Z")]
    [InlineData("1970-01-01T00:00:00.001Z")]
    [InlineData("9999-12-31T23:59:59.999Z")]
    public void Id_IsAUuidOfVersion7_WithItsTime(string text)
    {
        var time = DateTimeOffset.Parse(text, System.Globalization.CultureInfo.InvariantCulture);
        var id = EventId.Create(time);
        Assert.Equal((7, 8), (id.Version, id.Variant & 0xc));
        Assert.Equal(time.ToUnixTimeMilliseconds(), BinaryPrimitives.ReadInt64BigEndian(id.ToByteArray(bigEndian: true)) >>> 16);
        // As the framework's own, but for what is random.
        Assert.Equal(Guid.CreateVersion7(time).ToString()[..15], id.ToString()[..15]);
    }

    [Fact]
    public void Ids_OfManyThreadsInOneMillisecond_AreAllDifferent()
    {
        var ids = new ConcurrentBag<Guid>();
        Parallel.For(0, 100_000, _ => ids.Add(EventId.Create(DateTimeOffset.UnixEpoch)));
        Assert.Equal(100_000, ids.Distinct().Count());
        // Every random bit is both over so many.
        var (any, all) = (new byte[16], Enumerable.Repeat((byte)0xff, 16).ToArray());
        foreach (var id in ids)
        {
            var bytes = id.ToByteArray(bigEndian: true);
            for (var i = 0; i < 16; i++)
                (any[i], all[i]) = ((byte)(any[i] | bytes[i]), (byte)(all[i] & bytes[i]));
        }

        Assert.Equal("0000000000007FFFBFFFFFFFFFFFFFFF", Convert.ToHexString(any));
        Assert.Equal("00000000000070008000000000000000", Convert.ToHexString(all));
    }
}
