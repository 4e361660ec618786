using System.Text.Json;
using System.Text.Json.Serialization;

namespace Gatehouse.LogSink.Forwarding;

/// <summary>
/// How far the record was read by one receiver: a file beside the database, replaced whole and synced, so that after a crash it says the old place or
/// the new one. It belongs to one chain: a new database starts anew.
/// </summary>
internal sealed class ForwardCursor(string path, string chain)
{
    public long Sequence { get; private set; }

    /// <summary>False when there is none yet, or it is of another chain.</summary>
    public bool TryRead()
    {
        try
        {
            if (JsonSerializer.Deserialize(File.ReadAllText(path), CursorJson.Default.CursorState) is not { Sequence: >= 0 } state || state.Chain != chain)
                return false;
            Sequence = state.Sequence;
            return true;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException or JsonException)
        {
            return false;
        }
    }

    public void Write(long sequence)
    {
        var unfinished = path + ".new";
        using (var file = File.OpenHandle(unfinished, FileMode.Create, FileAccess.Write, FileShare.None))
        {
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            RandomAccess.Write(file, JsonSerializer.SerializeToUtf8Bytes(new CursorState(chain, sequence), CursorJson.Default.CursorState), 0);
            RandomAccess.FlushToDisk(file);
        }

        // An older name after a power cut sends a batch twice, which is allowed; a half-written file would send everything again.
        File.Move(unfinished, path, overwrite: true);
        Sequence = sequence;
    }
}

internal sealed record CursorState(string Chain, long Sequence);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(CursorState))]
internal sealed partial class CursorJson : JsonSerializerContext;
