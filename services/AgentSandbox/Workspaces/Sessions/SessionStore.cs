using System.Collections.Immutable;
using System.Text.Json;
using Gatehouse.AgentSandbox.Native;
using Gatehouse.AgentSandbox.Workspaces.Files;
using Microsoft.Win32.SafeHandles;

namespace Gatehouse.AgentSandbox.Workspaces.Sessions;

/// <summary>The sessions of one user: a folder each, below <c>STATE/sessions</c>.</summary>
internal sealed class SessionStore
{
    public const string FileName = "session.json";

    private const string LockName = "lock";
    private const long MaxBytes = 4 << 20;
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const int LOCK_EX = 2, LOCK_NB = 4;

    private readonly string _path;

    /// <param name="path">Absolute path of <c>STATE/sessions</c>; made when missing.</param>
    public SessionStore(string path)
    {
        Directory.CreateDirectory(path, Private);
        // A person's home may be reached by links; from here on there are none.
        _path = RealPath.Of(path) ?? path;
    }

    public string FolderOf(string id) => IsId(id) ? Path.Combine(_path, id) : throw new WorkspaceException($"'{SafeText.Escape(System.Text.Encoding.UTF8.GetBytes(id))}' is not the name of a session");

    /// <summary>The folder of one workspace, made when missing.</summary>
    public string WorkspaceFolder(string id, int index)
    {
        // One by one: a mode is given to the last of several alone.
        Directory.CreateDirectory(FolderOf(id), Private);
        var folder = Path.Combine(FolderOf(id), $"ws{index}");
        Directory.CreateDirectory(folder, Private);
        return folder;
    }

    /// <summary>Takes the session's lock; the launcher holds it as long as the session runs, a review command while it works.</summary>
    /// <returns>Null when another process holds it.</returns>
    public SessionLock? TryLock(string id)
    {
        var path = FolderOf(id);
        Directory.CreateDirectory(path, Private);
        using var folder = Folder.Open(path);
        var file = folder.OpenForAppending(Files.FileName.Of(LockName));
        if (LibC.flock((int)file.DangerousGetHandle(), LOCK_EX | LOCK_NB) == 0)
            return new(file);
        file.Dispose();
        return null;
    }

    /// <summary>Takes the lock of a session that is to be reviewed.</summary>
    /// <exception cref="WorkspaceException">It is running, or another command works on it.</exception>
    public SessionLock Lock(string id) =>
        TryLock(id) ?? throw new WorkspaceException($"session {id} is still running, or another command is working on it: wait for its end");

    /// <summary>Writes the record whole or not at all.</summary>
    public void Save(SessionRecord record)
    {
        using var folder = Folder.Open(FolderOf(record.Id));
        var temporary = Files.FileName.Of($"{FileName}.new");
        folder.TryUnlink(temporary);
        using (var file = folder.CreateFile(temporary))
        {
            RandomAccess.Write(file, JsonSerializer.SerializeToUtf8Bytes(record, SessionJson.Default.SessionRecord), 0);
            FileContent.Flush(file);
        }

        folder.Replace(temporary, Files.FileName.Of(FileName));
        folder.Flush();
    }

    /// <returns>Null when there is no such session, or its record is not there yet.</returns>
    /// <exception cref="WorkspaceException">The record can not be read.</exception>
    public SessionRecord? Load(string id)
    {
        var file = Path.Combine(FolderOf(id), FileName);
        if (!File.Exists(file))
            return null;
        SessionRecord? record = null;
        try
        {
            if (new FileInfo(file).Length <= MaxBytes)
                record = JsonSerializer.Deserialize(File.ReadAllBytes(file), SessionJson.Default.SessionRecord);
        }
        catch (JsonException)
        {
            // Said below.
        }

        if (record is null || record.Id != id || record.Version != SessionRecord.CurrentVersion)
            throw new WorkspaceException($"{file} is damaged, or of another version of Gatehouse: what the session changed is in the folder beside it");
        return WithItsEnd(record);
    }

    /// <summary>Newest first. Sessions without a readable record are left out.</summary>
    public ImmutableArray<SessionRecord> List()
    {
        var records = new List<SessionRecord>();
        foreach (var folder in Directory.EnumerateDirectories(_path))
        {
            try
            {
                if (IsId(Path.GetFileName(folder)) && Load(Path.GetFileName(folder)) is { } record)
                    records.Add(record);
            }
            catch (WorkspaceException)
            {
                // Asked for by name it says what is wrong.
            }
        }

        return [.. records.OrderByDescending(record => record.Started).ThenByDescending(record => record.Id, StringComparer.Ordinal)];
    }

    /// <param name="name">A session's name or the beginning of one; null for the newest that has something to review.</param>
    /// <exception cref="WorkspaceException">There is none, or several.</exception>
    public SessionRecord Find(string? name)
    {
        if (name is null)
        {
            return List().FirstOrDefault(record => record.State is SessionState.Ended or SessionState.Applying or SessionState.Undoing && !record.Workspaces.IsEmpty)
                ?? throw new WorkspaceException("there is no session to review: see 'gatehouse sessions'");
        }

        if (IsId(name) && Load(name) is { } exact)
            return exact;
        var found = List().Where(record => record.Id.StartsWith(name, StringComparison.Ordinal)).ToList();
        return found switch
        {
            [var one] => one,
            [] => throw new WorkspaceException($"there is no session '{SafeText.Escape(System.Text.Encoding.UTF8.GetBytes(name))}': see 'gatehouse sessions'"),
            _ => throw new WorkspaceException($"several sessions begin with {name} ({string.Join(", ", found.Take(5).Select(record => record.Id))}): write more of it"),
        };
    }

    // A record that says "running" while nobody holds the lock is that of a launcher that was killed.
    private SessionRecord WithItsEnd(SessionRecord record)
    {
        if (record.State != SessionState.Running)
            return record;
        using var free = TryLock(record.Id);
        return free is null ? record : record with { State = SessionState.Ended, IsInterrupted = true };
    }

    private static bool IsId(string id) =>
        id.Length is > 0 and <= 40 && id[0] != '-' && id.All(each => each is (>= 'a' and <= 'z') or (>= '0' and <= '9') or '-');
}

/// <summary>Held while a process works on a session; the kernel lets go of it when that process dies.</summary>
internal sealed class SessionLock(SafeFileHandle file) : IDisposable
{
    public void Dispose() => file.Dispose();
}
