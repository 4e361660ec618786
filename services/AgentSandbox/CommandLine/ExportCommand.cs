using System.CommandLine;
using System.Text.Json;
using Gatehouse.AgentSandbox.Launch;
using Gatehouse.AgentSandbox.Recording;
using Gatehouse.Gate;

namespace Gatehouse.AgentSandbox.CommandLine;

/// <summary><c>gatehouse log export | key</c></summary>
internal static class ExportCommand
{
    private static readonly string[] s_formats = ["ndjson", "csv"];

    public static Command Create()
    {
        var session = new Argument<string?>("session") { Description = "Session, or the beginning of its name; default: the whole record", Arity = ArgumentArity.ZeroOrOne };
        var output = new Option<FileInfo?>("--output", "-o") { Description = "File to write; default: standard output" };
        var force = new Option<bool>("--force") { Description = "Replace the file if it is there" };
        var format = new Option<string>("--format") { Description = "ndjson, which 'gatehouse log verify --file' checks, or csv, for a spreadsheet", DefaultValueFactory = _ => "ndjson" };
        format.AcceptOnlyFromAmong(s_formats);
        var command = new Command("export", "Writes the record, or a session's part of it, as a signed file that can be checked anywhere.") { session, output, force, format };
        command.SetAction(async (parsed, cancelled) =>
        {
            var path = parsed.GetValue(output)?.FullName;
            if (path is not null && File.Exists(path) && !parsed.GetValue(force))
                throw new LaunchException(ExitCodes.Usage, $"{path} is there already: give another name, or --force");
            using var sink = LogSinkClient.Open(RunDirectory.Open());
            var name = await SessionNames.FindAsync(sink, parsed.GetValue(session), cancelled);
            await using var from = await sink.OpenAsync("/export" + (name is null ? "" : "?session=" + Uri.EscapeDataString(name)),
                name is null ? "there is nothing recorded yet" : $"session {name} has no records", cancelled);
            var isCsv = parsed.GetValue(format) == "csv";
            if (path is null)
            {
                await using var standard = Console.OpenStandardOutput();
                return Say(await CopyAsync(from, standard, isCsv, isOnTerminal: Terminal.IsTerminal(1), cancelled), null);
            }

            return Say(await SaveAsync(from, path, isCsv, cancelled), path);
        });
        return command;
    }

    public static Command Key()
    {
        var command = new Command("key", "Prints the log sink's public key. Keep it elsewhere: it shows later that an export is from this sink.");
        command.SetAction(async (_, cancelled) =>
        {
            using var sink = LogSinkClient.Open(RunDirectory.Open());
            await foreach (var line in sink.ReadLinesAsync("/key", cancelled))
            {
                using var document = JsonDocument.Parse(line);
                Console.Out.WriteLine(JsonReading.Text(document.RootElement, "publicKey"));
            }

            return 0;
        });
        return command;
    }

    // Whole or not at all: what was cut, by Ctrl-C or a full disk, is no export.
    private static async Task<ExportResult> SaveAsync(Stream from, string path, bool isCsv, CancellationToken cancelled)
    {
        var unfinished = path + ".new";
        try
        {
            ExportResult result;
            await using (var file = new FileStream(unfinished, new FileStreamOptions
            {
                Mode = FileMode.Create,
                Access = FileAccess.Write,
                Options = FileOptions.Asynchronous,
                // It tells everything that the agent did.
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            }))
            {
                result = await CopyAsync(from, file, isCsv, isOnTerminal: false, cancelled);
            }

            if (result.Problem is null)
                File.Move(unfinished, path, overwrite: true);
            return result;
        }
        catch (Exception e) when (e is (IOException and not HttpIOException) or UnauthorizedAccessException)
        {
            throw new LaunchException(ExitCodes.Usage, $"{path} can not be written: {e.Message}", e);
        }
        finally
        {
            File.Delete(unfinished);
        }
    }

    private static async Task<ExportResult> CopyAsync(Stream from, Stream to, bool isCsv, bool isOnTerminal, CancellationToken cancelled)
    {
        await using var buffered = new BufferedStream(to, 256 * 1024);
        var csv = isCsv ? new CsvLines(buffered) : null;
        var progress = new ExportProgress();
        return await ExportReader.ReadAsync(from, null, line =>
        {
            if (csv is null)
            {
                buffered.Write(line.Span);
                buffered.WriteByte((byte)'\n');
            }
            else
            {
                csv.Write(line);
            }

            if (!isOnTerminal)
                progress.Line();
        }, cancelled);
    }

    private static int Say(ExportResult result, string? path)
    {
        if (result.Problem is { } problem)
        {
            Terminal.Say(Printable.Line($"{problem}. {(path is null ? "What was written is not whole" : "Nothing was written")}: see 'gatehouse log verify'"));
            return ExitCodes.Internal;
        }

        Terminal.Say($"{result.Records} records{(path is null ? "" : $" in {path}")}, signed by {result.PublicKey}");
        return 0;
    }

    /// <summary>A line on the terminal that says how far it is, where somebody watches.</summary>
    private sealed class ExportProgress
    {
        private const int Step = 20_000;

        private readonly bool _isShown = Terminal.IsTerminal(2);
        private long _lines;

        public void Line()
        {
            if (++_lines % Step == 0 && _isShown)
                Console.Error.Write($"\r{_lines} records\r");
        }
    }
}
