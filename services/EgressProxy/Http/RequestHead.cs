namespace Gatehouse.EgressProxy.Http;

/// <summary>A request's line and the header fields that decide where it goes and where it ends (RFC 9112 §3, §6).</summary>
/// <param name="Method">As sent; methods are case-sensitive.</param>
/// <param name="Target">The request-target as sent: visible ASCII.</param>
/// <param name="IsHttp11">False: HTTP/1.0, where Host may be missing.</param>
/// <param name="Host">The Host field as sent; null when there is none.</param>
/// <param name="HasBody">Content-Length other than 0, or any Transfer-Encoding.</param>
internal readonly record struct RequestHead(string Method, string Target, bool IsHttp11, string? Host, bool HasBody);

/// <summary>Why bytes are not a request head that every parser would read alike.</summary>
internal enum RequestHeadError
{
    None,

    /// <summary>Longer than <see cref="RequestHeadReader.MaxLength"/>, or more than <see cref="RequestHeadReader.MaxFields"/> fields.</summary>
    TooLong,

    /// <summary>A line ends in LF alone (RFC 9112 §2.2 lets recipients accept it, and disagree).</summary>
    BareLineFeed,

    /// <summary>Not <c>method SP target SP HTTP/1.0|1.1</c>.</summary>
    InvalidRequestLine,

    /// <summary>A field line that begins with white space (obs-fold, RFC 9112 §5.2).</summary>
    ObsoleteFold,

    /// <summary>No token before the colon, white space around it, or a control character in the value.</summary>
    InvalidField,

    /// <summary>HTTP/1.1 without Host, or more than one (RFC 9112 §3.2).</summary>
    InvalidHost,

    /// <summary>Content-Length next to Transfer-Encoding, or twice, or not a number (RFC 9112 §6.3).</summary>
    InvalidLength,
}
