using Microsoft.Data.Sqlite;

namespace Gatehouse.LogSink.Store;

/// <summary>Records in order, one at a time.</summary>
internal static class EventReader
{
    /// <exception cref="DamagedRecordException">A record is not one that the sink wrote.</exception>
    public static IEnumerable<EventRow> Rows(SqliteConnection connection, long after)
    {
        using var command = connection.CreateCommand();
        command.CommandText = $"SELECT {EventRow.Columns} FROM events WHERE sequence > $after ORDER BY sequence";
        command.Parameters.AddWithValue("$after", after);
        using var reader = command.ExecuteReader();
        while (reader.Read())
            yield return EventRow.Read(reader);
    }
}
