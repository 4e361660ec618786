using System.Diagnostics;
using Gatehouse.AgentSandbox.Workspaces.Files;

namespace Gatehouse.AgentSandbox.Workspaces.Worktrees;

/// <summary>
/// Asks <c>git check-ignore</c> about one path after another: what <c>.gitignore</c> names is not recorded, as with any commit. The files are the
/// agent's; the worst they can do is to leave something out.
/// </summary>
internal sealed class IgnoreRules : IDisposable
{
    private const int MaxField = 1 << 20;

    private readonly Process _git;
    private readonly Stream _output;

    public IgnoreRules(GitCommand repository, string workTree)
    {
        _git = repository.Start(workTree, "check-ignore", "--no-index", "--stdin", "--verbose", "--non-matching", "-z");
        _output = new BufferedStream(_git.StandardOutput.BaseStream);
    }

    /// <param name="path">Untracked; a folder with a slash at its end is matched by patterns for folders.</param>
    /// <param name="isFolder">Whether it is one.</param>
    public bool IsIgnored(RelativePath path, bool isFolder)
    {
        var input = _git.StandardInput.BaseStream;
        input.Write(path.Bytes);
        input.Write(isFolder ? "/\0"u8 : "\0"u8);
        input.Flush();
        // source NUL line NUL pattern NUL path NUL; a '!' pattern takes it back.
        var source = ReadField();
        ReadField();
        var pattern = ReadField();
        ReadField();
        return source.Length > 0 && !pattern.AsSpan().StartsWith("!"u8);
    }

    public void Dispose()
    {
        _git.StandardInput.Close();
        if (!_git.WaitForExit(TimeSpan.FromSeconds(10)))
            _git.Kill();
        _git.Dispose();
    }

    private byte[] ReadField()
    {
        var field = new List<byte>();
        for (int next; (next = _output.ReadByte()) != 0;)
        {
            if (next < 0 || field.Count == MaxField)
                throw new WorkspaceException($"git check-ignore failed: {SafeText.Escape(System.Text.Encoding.UTF8.GetBytes(next < 0 ? _git.StandardError.ReadToEnd().Trim() : "a line is too long"))}");
            field.Add((byte)next);
        }

        return [.. field];
    }
}
