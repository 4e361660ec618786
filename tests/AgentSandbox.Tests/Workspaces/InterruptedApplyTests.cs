using Gatehouse.AgentSandbox.Workspaces;
using Gatehouse.AgentSandbox.Workspaces.Applying;

namespace Gatehouse.AgentSandbox.Tests.Workspaces;

public sealed class InterruptedApplyTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Apply_CutOffAnywhere_IsFinishedByRunningItAgain(bool across)
    {
        string? wanted = null;
        for (var at = 0; ; at++)
        {
            using var session = Begin(across);
            wanted ??= session.AgentOutput("find . -mindepth 1 -printf '%P %y %m %l\\n' | sort; find . -type f -exec sha256sum {} + | sort");
            var before = session.HostTree();
            var cut = CutOff(session, at, review => review.Apply(review.Plan(review.Changes(), []), force: false));

            using (var review = session.Review())
            {
                Assert.All(review.Finish(), step => Assert.Equal((step.Path, StepOutcome.Applied, null), (step.Path, step.Outcome, step.Message)));
                review.Apply(review.Plan(review.Changes(), []), force: false);
            }

            Assert.Equal(wanted, session.HostTree());
            // Whatever way it went, one undo takes back all of it, unless it was cut off before it began.
            using (var review = session.Review())
                review.Undo(force: false);
            Assert.Equal(before, session.HostTree());
            if (!cut)
                return;
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Undo_CutOffAnywhere_IsFinishedByRunningItAgain(bool across)
    {
        for (var at = 0; ; at++)
        {
            using var session = Begin(across);
            var before = session.HostTree();
            session.Apply();
            var cut = CutOff(session, at, review => review.Undo(force: false));

            using (var review = session.Review())
                Assert.All(review.Undo(force: false), step => Assert.Equal((step.Path, StepOutcome.Applied, null), (step.Path, step.Outcome, step.Message)));

            Assert.Equal(before, session.HostTree());
            if (!cut)
                return;
        }
    }

    [Fact]
    public void Finish_HostChangedSinceTheCut_LeavesThatAlone()
    {
        using var session = Begin(across: false);
        // Nothing but the journal is there.
        Assert.True(CutOff(session, 1, review => review.Apply(review.Plan(review.Changes(), []), force: false)));
        session.Shell(session.Host, "echo theirs > modified");

        using var review = session.Review();
        Assert.Equal("modified", Assert.Single(review.Finish(), step => step.Outcome == StepOutcome.Conflict).Path.ToString());
        Assert.Equal("theirs\n", session.Read("modified"));
    }

    [Fact]
    public void Undo_WhileAnApplyIsUnfinished_IsRefused()
    {
        using var session = Begin(across: false);
        CutOff(session, 5, review => review.Apply(review.Plan(review.Changes(), []), force: false));

        using var review = session.Review();
        Assert.Contains("run it again first", Assert.Throws<WorkspaceException>(() => review.Undo(force: false)).Message, StringComparison.Ordinal);
    }

    /// <param name="across">Whether the session's folder is on another file system than the host's, so that old versions are copied.</param>
    private static OverlaySession Begin(bool across) => new OverlaySession(across ? "/dev/shm" : "/tmp").WithHost(ApplyTests.Before).Begin().Agent(ApplyTests.Work);

    // Ends at the given checkpoint as a killed process would: nothing that is on disk is cleaned up.
    private static bool CutOff(OverlaySession session, int at, Action<OverlayReview> work)
    {
        using var review = session.Review();
        var passed = 0;
        review.Checkpoint = _ =>
        {
            if (passed++ == at)
                throw new CutOffException();
        };
        try
        {
            work(review);
            return false;
        }
        catch (CutOffException)
        {
            return true;
        }
    }

    private sealed class CutOffException : Exception;
}
