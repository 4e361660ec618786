using System.Buffers;
using System.Text;

namespace Gatehouse.EgressProxy.Http;

/// <summary>Reads a request head strictly: what two parsers could read differently is refused, not repaired. No IO.</summary>
internal static class RequestHeadReader
{
    /// <summary>The longest head; Kestrel is given the same bound.</summary>
    public const int MaxLength = 16 * 1024;

    /// <summary>The most header fields; Kestrel's default.</summary>
    public const int MaxFields = 100;

    private static readonly SearchValues<byte> TokenBytes = SearchValues.Create(
        "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"u8);

    /// <param name="input">The connection's first bytes.</param>
    /// <param name="length">Where the head ends, when true.</param>
    /// <returns>False with <see cref="RequestHeadError.None"/>: more bytes are needed.</returns>
    public static bool TryRead(ReadOnlySpan<byte> input, out RequestHead head, out int length, out RequestHeadError error)
    {
        head = default;
        length = 0;
        var fields = default(FramingFields);
        for (var line = 0; TryReadLine(input[length..], out var content, out error); line++)
        {
            length += content.Length + 2;
            if (length > MaxLength || line > MaxFields + 1)
                error = RequestHeadError.TooLong;
            else if (line == 0)
                error = TryReadRequestLine(content, out head) ? RequestHeadError.None : RequestHeadError.InvalidRequestLine;
            else if (content.IsEmpty)
                return fields.TryApply(ref head, out error);
            else
                error = TryReadField(content, ref fields);

            if (error != RequestHeadError.None)
                return false;
        }

        if (error == RequestHeadError.None && input.Length >= MaxLength)
            error = RequestHeadError.TooLong;
        return false;
    }

    private static bool TryReadLine(ReadOnlySpan<byte> input, out ReadOnlySpan<byte> content, out RequestHeadError error)
    {
        content = default;
        error = RequestHeadError.None;
        var end = input.IndexOf((byte)'\n');
        if (end < 0)
            return false;

        if (end == 0 || input[end - 1] != '\r')
        {
            error = RequestHeadError.BareLineFeed;
            return false;
        }

        content = input[..(end - 1)];
        return true;
    }

    private static bool TryReadRequestLine(ReadOnlySpan<byte> line, out RequestHead head)
    {
        head = default;
        var method = line.IndexOf((byte)' ');
        if (method is < 1 or > 32 || line[..method].ContainsAnyExcept(TokenBytes))
            return false;

        var rest = line[(method + 1)..];
        var target = rest.IndexOf((byte)' ');
        if (target < 1 || rest[..target].ContainsAnyExceptInRange((byte)0x21, (byte)0x7e))
            return false;

        var version = rest[(target + 1)..];
        var is11 = version.SequenceEqual("HTTP/1.1"u8);
        if (!is11 && !version.SequenceEqual("HTTP/1.0"u8))
            return false;

        head = new RequestHead(Encoding.ASCII.GetString(line[..method]), Encoding.ASCII.GetString(rest[..target]), is11, null, HasBody: false);
        return true;
    }

    private static RequestHeadError TryReadField(ReadOnlySpan<byte> line, ref FramingFields fields)
    {
        if (line[0] is (byte)' ' or (byte)'\t')
            return RequestHeadError.ObsoleteFold;

        var colon = line.IndexOf((byte)':');
        if (colon < 1 || line[..colon].ContainsAnyExcept(TokenBytes))
            return RequestHeadError.InvalidField;

        var value = line[(colon + 1)..].Trim(" \t"u8);
        foreach (var octet in value)
        {
            if (octet is < 0x20 and not (byte)'\t' or 0x7f)
                return RequestHeadError.InvalidField;
        }

        return fields.TryAdd(line[..colon], value);
    }
}
