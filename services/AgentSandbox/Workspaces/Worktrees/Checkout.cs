using System.Diagnostics;
using System.Globalization;
using System.Text;
using Gatehouse.AgentSandbox.Workspaces.Files;

namespace Gatehouse.AgentSandbox.Workspaces.Worktrees;

/// <summary>
/// Writes a commit's files into a folder. By our own hand: no smudge filter, no post-checkout hook, no pointer to the repository in it; hidden files are
/// never written at all.
/// </summary>
internal sealed class Checkout(GitCommand repository, Folder tree, FileStatus owner) : IDisposable
{
    private const int CopyBuffer = 64 * 1024;

    private Folder? _folder;
    private RelativePath? _path;

    /// <param name="entries">What to write; submodules become empty folders.</param>
    public void Write(IReadOnlyCollection<KeyValuePair<RelativePath, GitEntry>> entries)
    {
        using var git = repository.Start(workTree: null, "cat-file", "--batch");
        var errors = git.StandardError.ReadToEndAsync();
        // Asked for by another thread: both pipes fill up.
        var asking = Task.Run(() =>
        {
            using var input = git.StandardInput;
            foreach (var (_, entry) in entries)
            {
                if (entry.Mode != GitEntry.Submodule)
                    input.Write(entry.Id + "\n");
            }
        });
        using var output = new BufferedStream(git.StandardOutput.BaseStream, CopyBuffer);
        foreach (var (path, entry) in entries)
        {
            var folder = Enter(path.Parent!);
            if (entry.Mode == GitEntry.Submodule)
                MakeFolder(folder, path.Name);
            else
                WriteOne(output, folder, path.Name, entry);
        }

        asking.GetAwaiter().GetResult();
        git.WaitForExit();
        if (git.ExitCode != 0)
            throw new WorkspaceException($"git cat-file failed: {SafeText.Escape(Encoding.UTF8.GetBytes(errors.GetAwaiter().GetResult()))}");
    }

    public void Dispose() => _folder?.Dispose();

    private void WriteOne(Stream output, Folder folder, FileName name, GitEntry entry)
    {
        // ID SP blob SP SIZE LF content LF
        var header = ReadLine(output);
        var parts = header.Split(' ');
        if (parts is not [_, "blob", var text] || !long.TryParse(text, CultureInfo.InvariantCulture, out var size))
            throw new WorkspaceException($"the repository lacks an object of the commit ({header}): check it with 'git fsck'; objects that only the remote has are not fetched");
        if (entry.Mode == GitEntry.Link)
        {
            var target = new byte[size];
            output.ReadExactly(target);
            folder.MakeLink(name, target);
        }
        else
        {
            using var file = folder.CreateFile(name);
            Copy(output, file, size);
            FileContent.SetMode(file, entry.Mode == GitEntry.Executable ? 0x1edu : 0x1a4u);
        }

        Own(folder, name);
        if (output.ReadByte() != '\n')
            throw new WorkspaceException("git cat-file wrote something unexpected");
    }

    private static void Copy(Stream output, Microsoft.Win32.SafeHandles.SafeFileHandle file, long size)
    {
        var buffer = new byte[CopyBuffer];
        for (long at = 0; at < size;)
        {
            var read = output.Read(buffer, 0, (int)Math.Min(buffer.Length, size - at));
            if (read == 0)
                throw new WorkspaceException("git cat-file ended early");
            RandomAccess.Write(file, buffer.AsSpan(0, read), at);
            at += read;
        }
    }

    private static string ReadLine(Stream output)
    {
        var line = new StringBuilder();
        for (int next; (next = output.ReadByte()) is not (-1 or '\n') && line.Length < 200;)
            line.Append((char)next);
        return line.ToString();
    }

    // Entries come by folder; the last one is at hand.
    private Folder Enter(RelativePath path)
    {
        if (_folder is not null && path.Equals(_path))
            return _folder;
        if (tree.OpenFolder(path) is not { } open)
        {
            MakeFolder(Enter(path.Parent!), path.Name);
            open = tree.OpenFolder(path) ?? throw new UnreachableException();
        }

        _folder?.Dispose();
        _path = path;
        return _folder = open;
    }

    private void MakeFolder(Folder folder, FileName name)
    {
        if (!folder.TryMakeFolder(name, 0x1c0))
            return;
        using (var made = folder.OpenFolder(name) ?? throw new UnreachableException())
            made.SetMode(0x1ed);
        Own(folder, name);
    }

    private void Own(Folder folder, FileName name)
    {
        if (FileCalls.geteuid() == 0)
            folder.SetOwner(name, owner.Uid, owner.Gid);
    }
}
