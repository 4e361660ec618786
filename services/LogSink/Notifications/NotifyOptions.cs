namespace Gatehouse.LogSink.Notifications;

/// <summary>Configuration <c>LogSink:Notify:NAME:*</c>: whom to tell, and what of. Either <see cref="Command"/> or <see cref="Url"/>.</summary>
internal sealed class NotifyOptions
{
    /// <summary>Program and arguments, as they are: no shell, nothing put in. What happened comes as JSON on standard input.</summary>
    public string[] Command { get; set; } = [];

    /// <summary>Where to POST the same JSON.</summary>
    public string? Url { get; set; }

    /// <summary>A file with the key that signs what is posted, as standardwebhooks.com has it: base64 after <c>whsec_</c>, else its bytes.</summary>
    public string? SecretFile { get; set; }

    /// <summary>Of <see cref="Occasions.Words"/>.</summary>
    public string[] On { get; set; } = [];

    /// <summary>A burst is so many denials of one session…</summary>
    public int BurstDenials { get; set; } = 20;

    /// <summary>…within so many seconds.</summary>
    public int BurstSeconds { get; set; } = 60;

    /// <summary>Of each occasion. Further ones are counted, and the count is told with the next: a person reads no more than this.</summary>
    public int MostPerMinute { get; set; } = 6;

    /// <summary>Then the command is ended, or the connection.</summary>
    public int TimeoutSeconds { get; set; } = 10;

    public static void Validate(string name, NotifyOptions options, List<string> problems)
    {
        var key = $"LogSink:Notify:{name}";
        if (options.Command.Length > 0 == options.Url is not null)
            problems.Add($"{key} needs either Command (a list: program, argument, …) or Url");
        if (options.Command is [var program, ..] && !Path.IsPathFullyQualified(program))
            problems.Add($"{key}:Command:0 is '{program}': write an absolute path");
        if (options.Url is { } text && !(Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https" && url.UserInfo.Length == 0))
            problems.Add($"{key}:Url is not an http or https URL without a user in it");
        if (options.SecretFile is { } file && !File.Exists(file))
            problems.Add($"{key}:SecretFile is '{file}': there is no such file");
        if (options.On.Length == 0 || options.On.Except(Occasions.Words).Any())
            problems.Add($"{key}:On must be one or more of {string.Join(", ", Occasions.Words)}");
        foreach (var (member, value, most) in new[]
        {
            ("BurstDenials", options.BurstDenials, 1_000), ("BurstSeconds", options.BurstSeconds, 3_600), ("MostPerMinute", options.MostPerMinute, 600),
            ("TimeoutSeconds", options.TimeoutSeconds, 60),
        })
        {
            if (value < 1 || value > most)
                problems.Add($"{key}:{member} is {value}: write 1 to {most}");
        }
    }
}
