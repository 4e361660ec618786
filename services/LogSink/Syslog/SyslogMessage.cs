using System.Globalization;
using System.Text;
using Gatehouse.Policy.Display;

namespace Gatehouse.LogSink.Syslog;

/// <summary>
/// A record as one RFC 5424 message of bounded length:
/// <c>&lt;108&gt;1 2026-11-23T15:30:12.000000Z host gatehouse - connect [gatehouse@32473 sequence="7" …] ﻿denied egress connect evil.example:443</c>.
/// Neither a control nor a format character of the agent's leaves as itself: receivers print what they get.
/// </summary>
internal static class SyslogMessage
{
    /// <summary>13, "log audit" (§6.2.1).</summary>
    private const int Facility = 13;

    private const int Warning = 4, Informational = 6;

    /// <summary>The private enterprise number that RFC 5612 sets aside for documentation: Gatehouse has none of its own.</summary>
    private const string Element = "gatehouse@32473";

    private const int MostValue = 1_024;

    public static byte[] Write(EventRow row, string host, int most)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"<{Facility * 8 + (row.Verdict == "denied" ? Warning : Informational)}>1 ");
        text.Append(new DateTime(Math.Clamp(row.Ticks, 0, DateTime.MaxValue.Ticks), DateTimeKind.Utc).ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture));
        text.Append(CultureInfo.InvariantCulture, $" {Name(host, 255)} gatehouse - {Name(row.Action, 32)} [{Element}");
        Add("sequence", row.Sequence.ToString(CultureInfo.InvariantCulture));
        Add("id", row.Id.ToString());
        Add("hash", Convert.ToHexStringLower(row.Hash));
        Add("session", row.Session);
        Add("gate", row.Gate);
        Add("verdict", row.Verdict);
        Add("trace", row.TraceId);
        Add("attempt", row.Attempt?.ToString());
        Add("sent", row.BytesSent == 0 ? null : row.BytesSent.ToString(CultureInfo.InvariantCulture));
        Add("received", row.BytesReceived == 0 ? null : row.BytesReceived.ToString(CultureInfo.InvariantCulture));
        Add("rule", row.Rule);
        Add("reason", row.Reason);
        Add("subject", row.Subject);
        if (row.Detail is { } detail)
        {
            foreach (var (name, value) in DetailJson.Read(detail))
                Add("detail." + name, value);
        }

        text.Append("] \uFEFF");
        var length = Encoding.UTF8.GetByteCount(text.ToString());
        text.Append(Cut(Visible($"{row.Verdict} {row.Gate} {row.Action} {row.Subject}"), Math.Max(0, most - length)));
        return Encoding.UTF8.GetBytes(text.ToString());

        // A parameter goes in whole, or not at all.
        void Add(string name, string? value)
        {
            if (value is null)
                return;
            var parameter = $" {Name(name, 32)}=\"{Escape(Cut(Visible(value), MostValue))}\"";
            // "] BOM" and a little text still fit.
            if (Encoding.UTF8.GetByteCount(text.ToString()) + Encoding.UTF8.GetByteCount(parameter) + 64 <= most)
                text.Append(parameter);
        }
    }

    /// <summary>PARAM-VALUE (§6.3.3): these three, and no other, have a backslash before them.</summary>
    private static string Escape(string value) =>
        value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("]", "\\]", StringComparison.Ordinal);

    /// <summary>PRINTUSASCII; in names of parameters without <c>= ] "</c> (§6).</summary>
    private static string Name(string name, int most)
    {
        var clean = string.Concat(name.Take(most).Select(c => c is > ' ' and <= '~' and not ('=' or ']' or '"') ? c : '_'));
        return clean.Length == 0 ? "-" : clean;
    }

    private static string Visible(string value)
    {
        var text = new StringBuilder(value.Length);
        var legible = new Legibility();
        foreach (var rune in value.EnumerateRunes())
        {
            if (legible.Shows(rune))
                text.Append(rune);
            else
                text.Append(CultureInfo.InvariantCulture, $"\\u{{{rune.Value:X}}}");
        }

        return text.ToString();
    }

    /// <summary>At most so many bytes of UTF-8, and no half character.</summary>
    private static string Cut(string value, int most)
    {
        if (value.Length * 3 <= most || Encoding.UTF8.GetByteCount(value) <= most)
            return value;
        var (bytes, length) = (3, 0);
        foreach (var rune in value.EnumerateRunes())
        {
            if ((bytes += rune.Utf8SequenceLength) > most)
                break;
            length += rune.Utf16SequenceLength;
        }

        return most < 3 ? "" : value[..length] + "…";
    }
}
