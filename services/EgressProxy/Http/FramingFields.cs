using System.Globalization;
using System.Text;

namespace Gatehouse.EgressProxy.Http;

/// <summary>The fields that say whose request it is and how long: the ones that smuggling plays with.</summary>
internal ref struct FramingFields
{
    private string? _host;
    private long? _contentLength;
    private bool _isChunked;

    public RequestHeadError TryAdd(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        if (Ascii.EqualsIgnoreCase(name, "host"u8))
        {
            if (_host is not null)
                return RequestHeadError.InvalidHost;
            _host = Encoding.Latin1.GetString(value);
        }
        else if (Ascii.EqualsIgnoreCase(name, "content-length"u8))
        {
            if (_contentLength is not null || !long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var length))
                return RequestHeadError.InvalidLength;
            _contentLength = length;
        }
        else if (Ascii.EqualsIgnoreCase(name, "transfer-encoding"u8))
        {
            _isChunked = true;
        }

        return RequestHeadError.None;
    }

    public readonly bool TryApply(ref RequestHead head, out RequestHeadError error)
    {
        error = (_host is null && head.IsHttp11) ? RequestHeadError.InvalidHost
            : (_isChunked && (_contentLength is not null || !head.IsHttp11)) ? RequestHeadError.InvalidLength
            : RequestHeadError.None;
        head = head with { Host = _host, HasBody = _isChunked || _contentLength > 0 };
        return error == RequestHeadError.None;
    }
}
