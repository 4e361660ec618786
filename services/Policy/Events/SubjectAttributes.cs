using System.Globalization;

namespace Gatehouse.Policy.Events;

/// <summary>What a subject names, in the words of OpenTelemetry's semantic conventions: for spans and for the record's copies elsewhere.</summary>
public static class SubjectAttributes
{
    /// <summary>
    /// Subjects: <c>name TYPE</c> · <c>host:port</c> · <c>METHOD url</c> · <c>METHOD name/path</c>. Values are strings and ints; nothing for a subject of
    /// another form.
    /// </summary>
    /// <param name="gate">The boundary's word: <c>dns</c>, <c>egress</c>, …</param>
    /// <param name="action">The event's action.</param>
    /// <param name="subject">The event's subject.</param>
    public static IEnumerable<KeyValuePair<string, object>> Of(string gate, string action, string subject)
    {
        ArgumentNullException.ThrowIfNull(action);
        ArgumentNullException.ThrowIfNull(subject);
        var space = subject.IndexOf(' ', StringComparison.Ordinal);
        var first = space < 0 ? subject : subject[..space];
        if (gate == "dns")
        {
            yield return new("dns.question.name", first);
        }
        else if (action.StartsWith("connect", StringComparison.Ordinal) && subject.LastIndexOf(':') is > 0 and var colon)
        {
            yield return new("server.address", subject[..colon].Trim('[', ']'));
            if (int.TryParse(subject.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port))
                yield return new("server.port", port);
        }
        else if (action.StartsWith("request", StringComparison.Ordinal) && space > 0)
        {
            var target = subject[(space + 1)..];
            yield return new("http.request.method", first);
            if (Uri.TryCreate(target, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https")
            {
                yield return new("url.full", target);
                yield return new("server.address", uri.Host);
                yield return new("server.port", uri.Port);
            }
            else
            {
                yield return new("url.path", target);
            }
        }
    }
}
