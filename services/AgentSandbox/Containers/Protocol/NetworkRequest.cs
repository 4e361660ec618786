using System.Buffers.Binary;
using System.Text;
using Gatehouse.Gate.Handover;

namespace Gatehouse.AgentSandbox.Containers.Protocol;

/// <summary>
/// What the launcher asks of the process that enters a container's network namespace: which sockets to make there. The answer is one message:
/// empty and with the sockets, then the first process's connection, as ancillary data; or the reason why not, as text.
/// </summary>
/// <param name="Sockets">To make, in this order.</param>
/// <param name="StaysForConnections">Whether the process stays and answers each further byte with one new TCP socket of the namespace.</param>
internal sealed record NetworkRequest(IReadOnlyList<SocketDescription> Sockets, bool StaysForConnections)
{
    private const int Head = 1, Each = 4;

    /// <summary>One byte, then purpose(1), IPv6(1) and port(2, little-endian) a socket.</summary>
    public byte[] ToBytes()
    {
        var bytes = new byte[Head + Sockets.Count * Each];
        bytes[0] = StaysForConnections ? (byte)1 : (byte)0;
        for (var i = 0; i < Sockets.Count; i++)
        {
            var at = bytes.AsSpan(Head + i * Each, Each);
            at[0] = (byte)Sockets[i].Purpose;
            at[1] = Sockets[i].IsIPv6 ? (byte)1 : (byte)0;
            BinaryPrimitives.WriteUInt16LittleEndian(at[2..], (ushort)Sockets[i].Port);
        }

        return bytes;
    }

    /// <exception cref="InvalidDataException">Not what <see cref="ToBytes"/> makes.</exception>
    public static NetworkRequest FromBytes(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < Head || (bytes.Length - Head) % Each != 0)
            throw new InvalidDataException("no request for sockets");
        var sockets = new SocketDescription[(bytes.Length - Head) / Each];
        for (var i = 0; i < sockets.Length; i++)
        {
            var at = bytes.Slice(Head + i * Each, Each);
            sockets[i] = new((SocketPurpose)at[0], BinaryPrimitives.ReadUInt16LittleEndian(at[2..]), at[1] == 1);
        }

        return new(sockets, bytes[0] == 1);
    }

    public static byte[] Refusal(string reason) => Encoding.UTF8.GetBytes(reason.Length == 0 ? "?" : reason);
}
