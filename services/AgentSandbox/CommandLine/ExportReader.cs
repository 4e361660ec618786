using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json.Serialization;
using Gatehouse.AgentSandbox.Launch;
using Gatehouse.Gate;
using Gatehouse.Record.Export;

namespace Gatehouse.AgentSandbox.CommandLine;

/// <summary>Reads exports, line by line, and verifies them.</summary>
internal static class ExportReader
{
    private const int KeyLength = 32;

    /// <summary>A public key: given as base64 or as a file, or this machine's.</summary>
    /// <returns>The key, and whose it is; null when none is known.</returns>
    /// <exception cref="LaunchException">It is no key.</exception>
    public static (byte[]? Key, string Whose) Key(string? given)
    {
        var own = Path.Combine(StateDirectory.Open().Path, "log", "events.db.pub");
        if (given is null)
            return File.Exists(own) ? (Parse(File.ReadAllText(own), own), "this machine's log sink") : (null, "");
        return File.Exists(given) ? (Parse(File.ReadAllText(given), given), $"the key in {given}") : (Parse(given, "--key"), "the key that was given");
    }

    private static byte[] Parse(string text, string where)
    {
        var key = new byte[KeyLength + 2];
        return Convert.TryFromBase64String(text.Trim(), key, out var length) && length == KeyLength
            ? key[..KeyLength]
            : throw new LaunchException(ExitCodes.Usage, $"{where}: not a public key; 'gatehouse log key' prints one of 44 characters");
    }

    /// <exception cref="LaunchException">There is no such file.</exception>
    public static ExportResult Verify(FileInfo file, byte[]? trusted, CancellationToken cancelled)
    {
        try
        {
            using var stream = file.OpenRead();
            return ReadAsync(stream, trusted, null, cancelled).GetAwaiter().GetResult();
        }
        catch (IOException e)
        {
            throw new LaunchException(ExitCodes.Usage, $"{file.FullName} can not be read: {e.Message}", e);
        }
    }

    /// <summary>Verifies what it reads, and hands each line on before the next.</summary>
    /// <param name="from">The export.</param>
    /// <param name="trusted">The key it must be signed with; null for its own.</param>
    /// <param name="taken">Gets each line that was found good, without its end.</param>
    /// <param name="cancelled">Ends it.</param>
    public static async Task<ExportResult> ReadAsync(Stream from, byte[]? trusted, Action<ReadOnlyMemory<byte>>? taken, CancellationToken cancelled)
    {
        using var verification = new ExportVerification(trusted);
        var reader = PipeReader.Create(from, new StreamPipeReaderOptions(bufferSize: 64 * 1024));
        string? problem = null;
        while (problem is null)
        {
            var read = await reader.ReadAsync(cancelled);
            var rest = read.Buffer;
            while (problem is null && TryTake(ref rest, read.IsCompleted, out var line))
            {
                problem = verification.Add(line);
                if (problem is null)
                    taken?.Invoke(line);
            }

            if (rest.Length > ExportVerification.MostLine)
                problem ??= verification.Add(rest.ToArray());
            reader.AdvanceTo(rest.Start, rest.End);
            if (read.IsCompleted)
                break;
        }

        await reader.CompleteAsync();
        problem ??= verification.Complete();
        return new(problem, verification.Records, verification.Header?.Session, verification.Header?.Time, Convert.ToBase64String(verification.PublicKey));
    }

    private static bool TryTake(ref ReadOnlySequence<byte> rest, bool isLast, out ReadOnlyMemory<byte> line)
    {
        line = default;
        if (rest.IsEmpty)
            return false;
        if (rest.PositionOf((byte)'\n') is { } end)
        {
            line = rest.Slice(0, end).ToArray();
            rest = rest.Slice(rest.GetPosition(1, end));
            return true;
        }

        if (!isLast)
            return false;
        line = rest.ToArray();
        rest = rest.Slice(rest.End);
        return true;
    }
}

/// <param name="Problem">What is wrong with it, or null.</param>
/// <param name="Records">Records found good.</param>
/// <param name="Session">The only session in it; null for all.</param>
/// <param name="Exported">When.</param>
/// <param name="PublicKey">The key that it is signed with, in base64.</param>
internal sealed record ExportResult(string? Problem, long Records, string? Session, DateTimeOffset? Exported, string PublicKey);

/// <summary>What <c>gatehouse log verify --file F --json</c> prints.</summary>
/// <param name="Ok">None is missing or changed.</param>
/// <param name="Records">Records found good.</param>
/// <param name="Problem">What is wrong, or absent.</param>
/// <param name="Session">The only session in it; absent for all.</param>
/// <param name="Exported">When.</param>
/// <param name="PublicKey">The key that it is signed with, in base64.</param>
/// <param name="IsTrusted">That key is known from elsewhere than the file.</param>
internal sealed record VerifiedFile(bool Ok, long Records, string? Problem, string? Session, DateTimeOffset? Exported, string PublicKey, bool IsTrusted);

[JsonSourceGenerationOptions(System.Text.Json.JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(VerifiedFile))]
internal sealed partial class ExportReadingJson : JsonSerializerContext;
