using Microsoft.Data.Sqlite;

namespace Gatehouse.LogSink.Chain;

/// <summary>Tells a record that stands in another's place from one that was changed: somewhere else in the chain its hash fits.</summary>
internal static class Displacement
{
    /// <summary>The sequence under which <paramref name="row"/> was recorded, or null when it fits nowhere.</summary>
    public static long? Find(SqliteConnection connection, EventRow row, CancellationToken cancellationToken)
    {
        var form = new CanonicalForm();
        var before = SegmentTable.Floor(connection).Hash;
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT sequence, hash FROM events ORDER BY sequence";
        using var reader = command.ExecuteReader();
        while (reader.Read())
        {
            cancellationToken.ThrowIfCancellationRequested();
            var sequence = reader.GetInt64(0);
            var here = reader.GetFieldValue<byte[]>(1);
            if (sequence != row.Sequence && (Fits(before, sequence, here) || Fits(here, sequence, here)))
                return sequence;
            before = here;
        }

        return null;

        // Its hash came along with it, or stayed behind. Of two neighbours that changed places, one has the hash before it in the other's row.
        bool Fits(byte[] previous, long sequence, byte[] stored)
        {
            var hash = form.Hash(previous, sequence, row);
            return hash.AsSpan().SequenceEqual(row.Hash) || hash.AsSpan().SequenceEqual(stored);
        }
    }
}
