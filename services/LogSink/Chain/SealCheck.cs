using Microsoft.Data.Sqlite;

namespace Gatehouse.LogSink.Chain;

/// <summary>Holds what gates said that they recorded against what is stored. Equal counts and a whole chain: nothing was lost between gate and record.</summary>
internal static class SealCheck
{
    /// <summary>At most so many are named.</summary>
    public const int Most = 100;

    /// <summary>Sessions of which a gate recorded more than is stored, or less; at most so many as one reads.</summary>
    public static List<IncompleteSession> Incomplete(SqliteConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT session, gate, records, sealed FROM session_gates WHERE sealed IS NOT NULL AND sealed <> records ORDER BY session DESC, gate LIMIT $most";
        command.Parameters.AddWithValue("$most", Most);
        using var reader = command.ExecuteReader();
        var found = new List<IncompleteSession>();
        while (reader.Read())
            found.Add(new(reader.GetString(0), reader.GetString(1), reader.GetInt64(2), reader.GetInt64(3)));
        return found;
    }
}

/// <param name="Session">Session.</param>
/// <param name="Gate">Gate.</param>
/// <param name="Records">Events that are stored.</param>
/// <param name="Sealed">Events that the gate says it recorded.</param>
internal sealed record IncompleteSession(string Session, string Gate, long Records, long Sealed);
