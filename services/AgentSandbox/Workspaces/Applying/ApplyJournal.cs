using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Gatehouse.AgentSandbox.Workspaces.Files;

namespace Gatehouse.AgentSandbox.Workspaces.Applying;

/// <summary>
/// One apply on disk: <c>plan.json</c>, there whole or not at all before anything is touched; <c>done.ndjson</c>, a line for each step that ended; and
/// <c>old/N</c>, what step N replaced or removed.
/// </summary>
internal sealed class ApplyJournal : IDisposable
{
    private const int MaxPlan = 1 << 30;
    private static readonly FileName s_plan = FileName.Of("plan.json"), s_done = FileName.Of("done.ndjson"), s_old = FileName.Of("old");

    private readonly Folder _folder;
    private readonly Dictionary<int, StepResult> _done = [];

    private ApplyJournal(Folder folder, JournalPlan plan)
    {
        _folder = folder;
        Plan = plan;
        Old = folder.EnsureFolder(s_old);
    }

    public JournalPlan Plan { get; }

    /// <summary>Old versions, each under its step's number.</summary>
    public Folder Old { get; }

    public IEnumerable<StepResult> Done => _done.Values;

    /// <summary>Begins one.</summary>
    /// <param name="folder">Where it will be.</param>
    /// <param name="name">A name that is not taken.</param>
    /// <param name="plan">What is to be done.</param>
    public static ApplyJournal Create(Folder folder, FileName name, JournalPlan plan)
    {
        var own = folder.EnsureFolder(name);
        var temporary = FileName.Of("plan.new");
        own.TryUnlink(temporary);
        using (var file = own.CreateFile(temporary))
        {
            RandomAccess.Write(file, JsonSerializer.SerializeToUtf8Bytes(plan, JournalJson.Default.JournalPlan), 0);
            FileContent.Flush(file);
        }

        own.Replace(temporary, s_plan);
        own.Flush();
        return new(own, plan);
    }

    /// <returns>Null when there is none: it never began.</returns>
    public static ApplyJournal? Open(Folder folder, FileName name)
    {
        var own = folder.OpenFolder(name);
        if (own is null)
            return null;
        using var file = own.OpenFile(s_plan);
        if (file is null)
        {
            own.Dispose();
            return null;
        }

        var content = FileContent.ReadAll(file, MaxPlan);
        var plan = content is null ? null : JsonSerializer.Deserialize(content, JournalJson.Default.JournalPlan);
        var journal = new ApplyJournal(own, plan ?? throw new WorkspaceException("the journal of the interrupted apply is damaged: compare the workspace by hand, then 'gatehouse discard'"));
        journal.ReadDone();
        return journal;
    }

    public StepResult? ResultOf(ApplyStep step) => _done.GetValueOrDefault(step.Number);

    public void Record(StepResult result)
    {
        _done[result.Number] = result;
        using var file = _folder.OpenForAppending(s_done);
        // One write(2): a line is there or not.
        RandomAccess.Write(file, [.. JsonSerializer.SerializeToUtf8Bytes(result, JournalJson.Default.StepResult), (byte)'\n'], RandomAccess.GetLength(file));
    }

    public static FileName OldName(ApplyStep step) => FileName.Of($"{step.Number}");

    public void Dispose()
    {
        Old.Dispose();
        _folder.Dispose();
    }

    private void ReadDone()
    {
        using var file = _folder.OpenFile(s_done);
        var content = file is null ? [] : FileContent.ReadAll(file, MaxPlan) ?? [];
        foreach (var line in Encoding.UTF8.GetString(content).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            try
            {
                if (JsonSerializer.Deserialize(line, JournalJson.Default.StepResult) is { } result)
                    _done[result.Number] = result;
            }
            catch (JsonException)
            {
                // The line that was being written when the machine stopped: its step is looked at again.
            }
        }
    }
}

/// <param name="Token">Part of the temporary names; the agent, long gone, can not have known it.</param>
/// <param name="Force">Whether versions that differ from what was expected are replaced too.</param>
/// <param name="Steps">In order.</param>
internal sealed record JournalPlan(string Token, bool Force, ImmutableArray<ApplyStep> Steps);

internal enum StepOutcome
{
    Applied,

    /// <summary>The host's file is not what it was when the plan was made. Left as it is.</summary>
    Conflict,
    Failed,
}

/// <param name="Number">Of the step.</param>
/// <param name="Outcome">How it ended.</param>
/// <param name="Made">What is there now; null for nothing.</param>
/// <param name="Message">Why, unless it was applied.</param>
internal sealed record StepResult(int Number, StepOutcome Outcome, FileIdentity? Made, string? Message);

/// <summary>A version of a file that an undo put back.</summary>
internal sealed record RestoredFile(RelativePath Path, ulong Inode, FileTime Changed);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(JournalPlan))]
[JsonSerializable(typeof(StepResult))]
[JsonSerializable(typeof(RestoredFile))]
internal sealed partial class JournalJson : JsonSerializerContext;
