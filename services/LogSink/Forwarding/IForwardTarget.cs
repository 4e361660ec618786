namespace Gatehouse.LogSink.Forwarding;

/// <summary>One receiver in its own protocol. Used by one loop at a time.</summary>
internal interface IForwardTarget : IDisposable
{
    /// <summary>Begins a batch.</summary>
    void Clear();

    /// <summary>Adds one record, encoded.</summary>
    /// <returns>Bytes of the batch so far.</returns>
    int Add(EventRow row);

    /// <summary>Sends the batch. Whatever goes wrong on the way is an outcome.</summary>
    Task<ForwardOutcome> SendAsync(CancellationToken cancellationToken);
}

internal enum ForwardStatus
{
    /// <summary>Not now; the same again later.</summary>
    Retry,

    /// <summary>The receiver has it.</summary>
    Accepted,

    /// <summary>The receiver says of these very records that it will never take them: something in them is wrong for it, or they are too large.</summary>
    Rejected,

    /// <summary>Too many at once, or too many for now: fewer may do. Of a single record it is <see cref="Retry"/>.</summary>
    TooLarge,
}

/// <param name="Status">What to do next.</param>
/// <param name="Problem">Why, for the log: may hold what the receiver said.</param>
/// <param name="After">How long the receiver wants to be left alone.</param>
/// <param name="Dropped">Records of an accepted batch that the receiver did not keep (OTLP partial success).</param>
internal readonly record struct ForwardOutcome(ForwardStatus Status, string? Problem = null, TimeSpan? After = null, long Dropped = 0)
{
    private const int MostProblem = 300;

    public static ForwardOutcome Accepted { get; } = new(ForwardStatus.Accepted);

    public static ForwardOutcome Retry(string problem, TimeSpan? after = null) => new(ForwardStatus.Retry, Short(problem), after);

    public static ForwardOutcome Rejected(string problem) => new(ForwardStatus.Rejected, Short(problem));

    public static ForwardOutcome TooLarge(string problem) => new(ForwardStatus.TooLarge, Short(problem));

    public static string Short(string text) => text.Length <= MostProblem ? text : text[..MostProblem];
}
