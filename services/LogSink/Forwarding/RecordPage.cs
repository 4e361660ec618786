using Gatehouse.LogSink.Store;

namespace Gatehouse.LogSink.Forwarding;

/// <summary>A page of records in order. A damaged one is passed over: it must not keep what follows it from leaving this machine.</summary>
/// <param name="Rows">The records.</param>
/// <param name="Through">Up to where there is nothing else.</param>
/// <param name="Damaged">Records that could not be read.</param>
internal sealed record RecordPage(List<EventRow> Rows, long Through, int Damaged)
{
    private const int MostCharacters = 4 << 20;

    public static RecordPage Read(EventDatabase database, long after, long head, int most)
    {
        // Closed before anything is sent.
        using var connection = database.OpenReader();
        using var command = connection.CreateCommand();
        command.CommandText = $"SELECT {EventReader.Columns} FROM events WHERE sequence > $after AND sequence <= $head ORDER BY sequence LIMIT $most";
        command.Parameters.AddWithValue("$after", after);
        command.Parameters.AddWithValue("$head", head);
        command.Parameters.AddWithValue("$most", most);
        using var reader = command.ExecuteReader();
        var rows = new List<EventRow>();
        var (through, damaged, read, characters) = (after, 0, 0, 0);
        while (characters < MostCharacters && reader.Read())
        {
            through = reader.GetInt64(0);
            read++;
            try
            {
                var row = EventReader.Read(reader);
                if (row.Detail is { } detail)
                    _ = DetailJson.Read(detail);
                rows.Add(row);
                characters += row.Subject.Length + (row.Detail?.Length ?? 0);
            }
            catch (DamagedRecordException)
            {
                damaged++;
            }
        }

        return new(rows, read < most && characters < MostCharacters ? head : through, damaged);
    }
}
