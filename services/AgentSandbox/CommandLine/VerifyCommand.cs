using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Gatehouse.AgentSandbox.Launch;
using Gatehouse.AgentSandbox.Recording;
using Gatehouse.Gate;

namespace Gatehouse.AgentSandbox.CommandLine;

/// <summary><c>gatehouse log verify [--file F [--key K]]</c></summary>
internal static class VerifyCommand
{
    public static Command Create()
    {
        var file = new Option<FileInfo?>("--file") { Description = "Check an export instead, without the log sink" };
        var key = new Option<string?>("--key") { Description = "The log sink's public key, as 'gatehouse log key' prints it there, or a file with it; default: this machine's" };
        var json = new Option<bool>("--json") { Description = "One object" };
        var command = new Command("verify", "Checks that no record is missing or changed. Exit code 70 when one is.") { file, key, json };
        command.SetAction(async (parsed, cancelled) => parsed.GetValue(file) is { } export
            ? VerifyFile(export, parsed.GetValue(key), parsed.GetValue(json), cancelled)
            : parsed.GetValue(key) is null
                ? await VerifyRecordAsync(parsed.GetValue(json), cancelled)
                : throw new LaunchException(ExitCodes.Usage, "--key goes with --file: the running log sink has its own key"));
        return command;
    }

    private static int VerifyFile(FileInfo file, string? key, bool json, CancellationToken cancelled)
    {
        var (trusted, whose) = ExportReader.Key(key);
        var result = ExportReader.Verify(file, trusted, cancelled);
        if (json)
        {
            Console.Out.WriteLine(JsonSerializer.Serialize(
                new VerifiedFile(result.Problem is null, result.Records, result.Problem, result.Session, result.Exported, result.PublicKey, trusted is not null), ExportReadingJson.Default.VerifiedFile));
            return result.Problem is null ? 0 : ExitCodes.Internal;
        }

        if (result.Problem is { } problem)
        {
            Console.Out.WriteLine(Printable.Line($"{file.Name} is not as it was exported: {problem}"));
            return ExitCodes.Internal;
        }

        Console.Out.WriteLine(Printable.Line(string.Create(CultureInfo.InvariantCulture,
            $"{result.Records} records{(result.Session is { } session ? $" of session {session}" : "")}, exported {result.Exported:yyyy-MM-dd HH:mm:ss} UTC: none is missing or changed.")));
        Console.Out.WriteLine(trusted is not null
            ? $"Signed by {whose}."
            : $"Signed by the key {result.PublicKey}, which the file itself names: give the log sink's own with --key to know that it is that sink's.");
        return 0;
    }

    private static async Task<int> VerifyRecordAsync(bool json, CancellationToken cancelled)
    {
        using var sink = LogSinkClient.Open(RunDirectory.Open());
        var ok = false;
        await foreach (var line in sink.ReadLinesAsync("/verify", cancelled))
        {
            using var document = JsonDocument.Parse(line);
            var result = document.RootElement;
            ok = result.GetProperty("ok").GetBoolean() && !result.TryGetProperty("incomplete", out _);
            if (json)
                Console.Out.WriteLine(line);
            else
                Print(result);
        }

        return ok ? 0 : ExitCodes.Internal;
    }

    private static void Print(JsonElement result)
    {
        if (!result.GetProperty("ok").GetBoolean())
        {
            Console.Out.WriteLine(Printable.Line($"The record was tampered with at {JsonReading.Number(result, "firstBad")}: {JsonReading.Text(result, "problem")}"));
            return;
        }

        Console.Out.WriteLine($"{JsonReading.Number(result, "records")} records: the chain is whole, and signed through record {JsonReading.Number(result, "signedThrough")}.");
        if (JsonReading.Number(result, "removed") is > 0 and var removed)
            Console.Out.WriteLine($"Records 1 to {removed} were removed by the log sink itself, as LogSink:Retention says; it signed that.");
        if (!result.TryGetProperty("incomplete", out var incomplete))
            return;
        foreach (var each in incomplete.EnumerateArray())
        {
            Console.Out.WriteLine(Printable.Line(
                $"Session {JsonReading.Text(each, "session")}: the {JsonReading.Text(each, "gate")} gate recorded {JsonReading.Number(each, "sealed")} events, {JsonReading.Number(each, "records")} are here."));
        }
    }
}
