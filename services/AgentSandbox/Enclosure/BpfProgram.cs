using System.Buffers.Binary;

namespace Gatehouse.AgentSandbox.Enclosure;

/// <summary>Assembles classic BPF (struct sock_filter: code(2), jt(1), jf(1), k(4)) with labels in place of counted jumps.</summary>
internal sealed class BpfProgram
{
    public const ushort LoadWord = 0x20, LoadHalf = 0x28, LoadByte = 0x30, LoadIndexedHalf = 0x48, LoadIpHeaderLength = 0xb1;
    public const ushort JumpEqual = 0x15, JumpGreaterOrEqual = 0x35, JumpSet = 0x45, Jump = 0x05, And = 0x54, Return = 0x06;

    private readonly List<(ushort Code, string? True, string? False, uint K)> _instructions = [];
    private readonly Dictionary<string, int> _labels = [];

    /// <summary>Instructions so far.</summary>
    public int Length => _instructions.Count;

    public BpfProgram Label(string name)
    {
        _labels.Add(name, _instructions.Count);
        return this;
    }

    public BpfProgram Statement(ushort code, uint k)
    {
        _instructions.Add((code, null, null, k));
        return this;
    }

    /// <summary>Null falls through to the next instruction.</summary>
    public BpfProgram Branch(ushort code, uint k, string? whenTrue, string? whenFalse = null)
    {
        _instructions.Add((code, whenTrue, whenFalse, k));
        return this;
    }

    /// <summary>An unconditional jump, of any distance.</summary>
    public BpfProgram Go(string label)
    {
        _instructions.Add((Jump, label, null, 0));
        return this;
    }

    /// <summary>8 bytes an instruction, in this machine's byte order.</summary>
    /// <exception cref="InvalidOperationException">A conditional jump is longer than 255, or goes back.</exception>
    public byte[] Assemble()
    {
        var bytes = new byte[_instructions.Count * 8];
        for (var i = 0; i < _instructions.Count; i++)
        {
            var (code, whenTrue, whenFalse, k) = _instructions[i];
            var at = bytes.AsSpan(i * 8, 8);
            BinaryPrimitives.WriteUInt16LittleEndian(at, code);
            if (code == Jump)
            {
                k = (uint)Distance(i, whenTrue, int.MaxValue);
            }
            else
            {
                at[2] = (byte)Distance(i, whenTrue, byte.MaxValue);
                at[3] = (byte)Distance(i, whenFalse, byte.MaxValue);
            }

            BinaryPrimitives.WriteUInt32LittleEndian(at[4..], k);
        }

        return bytes;
    }

    private int Distance(int from, string? label, int most)
    {
        if (label is null)
            return 0;
        var distance = _labels[label] - from - 1;
        return distance >= 0 && distance <= most
            ? distance
            : throw new InvalidOperationException($"BPF jump from {from} to '{label}' is out of range");
    }
}
