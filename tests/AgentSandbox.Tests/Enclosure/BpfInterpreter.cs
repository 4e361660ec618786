using System.Buffers.Binary;

namespace Gatehouse.AgentSandbox.Tests.Enclosure;

/// <summary>Runs classic BPF as the kernel does, over bytes in the given order, with the ancillary loads that the tap uses.</summary>
internal static class BpfInterpreter
{
    public static uint Run(byte[] program, byte[] data, bool littleEndian, uint protocol = 0, uint packetType = 0)
    {
        uint a = 0, x = 0;
        for (var pc = 0; ; pc++)
        {
            var at = program.AsSpan(pc * 8, 8);
            var code = BinaryPrimitives.ReadUInt16LittleEndian(at);
            var k = BinaryPrimitives.ReadUInt32LittleEndian(at[4..]);
            switch (code)
            {
                case 0x20 or 0x28 or 0x30 or 0x48 or 0x50:
                    var size = (code & 0x18) switch { 0x00 => 4, 0x08 => 2, _ => 1 };
                    var offset = (code & 0x40) != 0 ? x + k : k;
                    if (k == unchecked((uint)-0x1000))
                        a = protocol;
                    else if (k == unchecked((uint)(-0x1000 + 4)))
                        a = packetType;
                    else if (offset + size > data.Length)
                        return 0;
                    else
                        a = Load(data.AsSpan((int)offset, size), littleEndian);
                    break;
                case 0xb1: x = (uint)(data[k] & 0xf) * 4; break;
                case 0x54: a &= k; break;
                case 0x05: pc += (int)k; break;
                case 0x15: pc += a == k ? at[2] : at[3]; break;
                case 0x35: pc += a >= k ? at[2] : at[3]; break;
                case 0x45: pc += (a & k) != 0 ? at[2] : at[3]; break;
                case 0x06: return k;
                default: throw new InvalidOperationException($"code {code:x}");
            }
        }
    }

    private static uint Load(ReadOnlySpan<byte> bytes, bool littleEndian) => bytes.Length switch
    {
        1 => bytes[0],
        2 => littleEndian ? BinaryPrimitives.ReadUInt16LittleEndian(bytes) : BinaryPrimitives.ReadUInt16BigEndian(bytes),
        _ => littleEndian ? BinaryPrimitives.ReadUInt32LittleEndian(bytes) : BinaryPrimitives.ReadUInt32BigEndian(bytes),
    };
}
