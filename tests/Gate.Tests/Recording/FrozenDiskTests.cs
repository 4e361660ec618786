using System.Diagnostics;
using System.Text;
using Gatehouse.Gate.Recording;
using Gatehouse.TestKit;

namespace Gatehouse.Gate.Tests.Recording;

/// <summary>A disk that takes nothing and says nothing, for real: an ext4 on a loop device, frozen.</summary>
public sealed class FrozenDiskTests : IAsyncLifetime
{
    private readonly TempFolder _folder = new();
    private Process _disk = null!;

    private string Mount => Path.Combine(_folder.Path, "mount");

    /// <summary>As this process sees it: the mount is the other's alone, and ends with it.</summary>
    private string SpoolPath => $"/proc/{_disk.Id}/root{Mount}/egress.ndjson";

    public async Task InitializeAsync()
    {
        Directory.CreateDirectory(Mount);
        var image = _folder.File("image");
        // Whatever becomes of the test, the disk thaws, and says that it was late: the test could not, when its runtime waits for the disk.
        _disk = Process.Start(new ProcessStartInfo("unshare",
        [
            "-m", "bash", "-c",
            $$"""
            truncate -s 24M {{image}} && mkfs.ext4 -q {{image}} && mount -o loop {{image}} {{Mount}} && echo ready || exit
            while true; do
                read -r -t 60 what; code=$?
                case $code,$what in
                    0,freeze) fsfreeze -f {{Mount}} && echo frozen ;;
                    0,thaw) fsfreeze -u {{Mount}} && echo thawed ;;
                    1,*) break ;;
                    *) fsfreeze -u {{Mount}} 2>/dev/null && echo late ;;
                esac
            done
            umount {{Mount}}
            """,
        ])
        { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        Assert.Equal("ready", await _disk.StandardOutput.ReadLineAsync());
    }

    public async Task DisposeAsync()
    {
        _disk.StandardInput.Close();
        await _disk.WaitForExitAsync().WaitAsync(Eventually.Bound);
        _disk.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Append_OnAFrozenDisk_HoldsUpOneThread_AndNoOther(bool mayMap)
    {
        Assert.True(SpoolWindow.IsPossible(Path.GetDirectoryName(SpoolPath)!));
        using var spool = new SpoolFile(SpoolPath, 16 * 1024 * 1024, mayMap);
        var line = Encoding.ASCII.GetBytes(new string('x', 999) + "\n");
        Assert.True(spool.TryAppend(line));
        // Written back: the next store into its page asks the file system, as the first one did.
        Run("sync");
        await SayAsync("freeze", "frozen");

        // More than there is room for without asking the disk.
        var stuck = Task.Run(() =>
        {
            for (var i = 0; i < 2_000; i++)
                Assert.True(spool.TryAppend(line));
        });
        await Eventually.TrueAsync(() => Blocked(spool));
        Assert.False(await Task.Run(() => spool.TryAppend(line)).WaitAsync(Eventually.Bound));
        // The runtime stops every thread for this: one that is in the disk's hands must not be waited for.
        await Task.Run(GC.Collect).WaitAsync(Eventually.Bound);
        Assert.False(stuck.IsCompleted);

        await SayAsync("thaw", "thawed");
        await stuck.WaitAsync(Eventually.Bound);
        Assert.Equal(2_001 * line.Length, spool.Pending);
    }

    private static bool Blocked(SpoolFile spool)
    {
        if (!spool.Appending.TryEnter(TimeSpan.FromMilliseconds(500)))
            return true;
        spool.Appending.Exit();
        return false;
    }

    private static void Run(string command)
    {
        using var process = Process.Start(command);
        process.WaitForExit();
    }

    private async Task SayAsync(string what, string answer)
    {
        await _disk.StandardInput.WriteLineAsync(what);
        await _disk.StandardInput.FlushAsync();
        Assert.Equal(answer, await _disk.StandardOutput.ReadLineAsync().WaitAsync(Eventually.Bound));
    }
}
