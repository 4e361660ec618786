using System.Globalization;

namespace Gatehouse.LogSink.Store;

/// <summary>
/// A gate's last word on a session: how many events it recorded of it. With the number that is stored, it shows whether all of them arrived. A gate that
/// opened a session twice (it was started anew) seals twice, and the counts add up.
/// </summary>
internal static class SessionSeal
{
    public const string Action = Policy.Events.BoundaryActions.Seal;

    /// <summary>What it says; 0 when it says nothing that is a number.</summary>
    public static long Count(EventRow row)
    {
        try
        {
            return row.Detail is { } detail && DetailJson.Read(detail).TryGetValue("records", out var text)
                && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count <= SessionTally.MostBytes ? count : 0;
        }
        catch (DamagedRecordException)
        {
            return 0;
        }
    }
}
