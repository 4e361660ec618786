namespace Gatehouse.LogSink.Store;

/// <summary>Configuration <c>LogSink:Retention:*</c>: what is removed, and when. Nothing, unless it says so.</summary>
internal sealed class RetentionOptions
{
    /// <summary>Records are removed after so many days; 0: never.</summary>
    public int Days { get; set; }

    /// <summary>The oldest records are removed while the record takes more; 0: however much it takes.</summary>
    public int Megabytes { get; set; }

    /// <summary>…but none that is younger, whatever it takes: who can make the record grow must not choose what is removed of it.</summary>
    public int KeepDays { get; set; } = 7;

    /// <summary>A folder into which what is removed is exported first, a file a segment; null: it is gone.</summary>
    public string? Archive { get; set; }

    public void Validate(List<string> problems)
    {
        if (Days is < 0 or > 36_500)
            problems.Add($"LogSink:Retention:Days is {Days}: write 1 to 36500, or 0 to keep records whatever their age");
        if (Megabytes is < 0 or (> 0 and < 16) or > 16_000_000)
            problems.Add($"LogSink:Retention:Megabytes is {Megabytes}: write 16 to 16000000, or 0 to keep records whatever they take");
        if (KeepDays is < 0 or > 36_500)
            problems.Add($"LogSink:Retention:KeepDays is {KeepDays}: write 0 to 36500");
        if (Archive is { } folder && !Path.IsPathFullyQualified(folder))
            problems.Add($"LogSink:Retention:Archive is '{folder}': write an absolute path");
    }
}
