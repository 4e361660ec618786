using System.Text.Json;

namespace Gatehouse.LogSink.Tests.Support;

/// <summary>What a sink has, read as anybody reads it.</summary>
internal static class StoredRecords
{
    /// <summary>All of it, in order.</summary>
    public static async Task<List<(long Sequence, Guid Id)>> ReadAsync(HttpClient client)
    {
        List<(long, Guid)> records = [];
        for (var after = 0L; ;)
        {
            var lines = (await client.GetStringAsync($"/events?order=asc&limit=1000&after={after}")).Split('\n', StringSplitOptions.RemoveEmptyEntries);
            if (lines.Length == 0)
                return records;
            foreach (var line in lines)
            {
                using var each = JsonDocument.Parse(line);
                after = each.RootElement.GetProperty("sequence").GetInt64();
                records.Add((after, each.RootElement.GetProperty("id").GetGuid()));
            }
        }
    }
}
