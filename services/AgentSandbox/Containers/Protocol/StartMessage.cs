using System.Buffers.Binary;
using System.Text;

namespace Gatehouse.AgentSandbox.Containers.Protocol;

/// <summary>
/// What the launcher tells a container's first process, over the connection that is the container's lease: the agent's program, environment and
/// folder. Until it comes nothing of the image has run; nothing of the image's own environment or entry point takes part.
/// </summary>
/// <remarks>Length(4, little-endian), then NUL-terminated UTF-8: folder, number of arguments, arguments, variables.</remarks>
internal sealed record StartMessage(string Folder, IReadOnlyList<string> Command, IReadOnlyList<string> Environment)
{
    /// <summary>Where the first process finds the launcher: privileged, so that no agent can listen there.</summary>
    public const int Port = 1;

    /// <summary>The kernel's own bound for arguments and environment together is larger (execve(2), _STK_LIM / 4 × 3).</summary>
    public const int MaxBytes = 4 * 1024 * 1024;

    /// <summary>
    /// What the first process answers: started; not started, then the reason as text; ended, then the exit code. After the message the launcher sends
    /// signal numbers, a byte each; end of stream is the session's end.
    /// </summary>
    public const byte Started = 1, NotStarted = 2, Ended = 3;

    /// <exception cref="InvalidDataException">It is too large, or a text has NUL in it.</exception>
    public byte[] ToBytes()
    {
        var texts = new List<string> { Folder, Command.Count.ToString(System.Globalization.CultureInfo.InvariantCulture) };
        texts.AddRange(Command);
        texts.AddRange(Environment);
        if (texts.Exists(text => text.Contains('\0', StringComparison.Ordinal)))
            throw new InvalidDataException("an argument or variable contains NUL");
        var body = Encoding.UTF8.GetBytes(string.Concat(texts.Select(text => text + '\0')));
        if (body.Length > MaxBytes)
            throw new InvalidDataException("the agent's arguments and environment are too large: 4 MiB is the most");
        var bytes = new byte[4 + body.Length];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, body.Length);
        body.CopyTo(bytes, 4);
        return bytes;
    }

    /// <param name="body">Without the length.</param>
    /// <exception cref="InvalidDataException">Not what <see cref="ToBytes"/> makes.</exception>
    public static StartMessage FromBytes(ReadOnlySpan<byte> body)
    {
        var texts = Encoding.UTF8.GetString(body).Split('\0');
        // The last one is what follows the last NUL.
        if (texts.Length < 4 || !int.TryParse(texts[1], out var count) || count < 1 || count > texts.Length - 3)
            throw new InvalidDataException("no start message");
        return new(texts[0], texts[2..(2 + count)], texts[(2 + count)..^1]);
    }
}
