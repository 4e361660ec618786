using System.Collections.Immutable;
using System.Globalization;
using Gatehouse.AgentSandbox.Native;
using Microsoft.Win32.SafeHandles;
using static Gatehouse.AgentSandbox.Native.SystemCallException;

namespace Gatehouse.AgentSandbox.Enclosure;

/// <summary>
/// Everything the agent will see, put together on a tmpfs over /tmp in the keeper's own mount namespace: the agent's user can reach it there
/// although it may not enter the host folders it was made from. It is gone with the namespace; nothing is ever mounted on the host.
/// </summary>
internal sealed class StagingArea
{
    /// <summary>Every system has it, and every user may enter it.</summary>
    private const string Root = "/tmp";

    private const nuint MS_RDONLY = 1, MS_NOSUID = 2, MS_NODEV = 4, MS_NOEXEC = 8;

    private StagingArea()
    {
    }

    /// <summary>In mount order: parents before children.</summary>
    public List<StagedMount> Mounts { get; } = [];

    /// <summary>Folder with the files of /etc.</summary>
    public static string Etc => Root + "/etc";

    public static StagingArea Create(EnclosureSpec spec)
    {
        // Sources are opened before /tmp is covered: they may be below it.
        var area = new StagingArea();
        using var maps = new OwnerMaps(spec);
        var etc = spec.Etc.SetItems(spec.EtcFromHost.Select(file => KeyValuePair.Create(file.Key, File.ReadAllText(file.Value))));
        var sources = spec.Mounts.Select(mount => Sources.Open(mount, maps)).ToList();
        Mount("tmpfs", Root, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=64m");
        for (var i = 0; i < sources.Count; i++)
            area.Mounts.Add(sources[i].Attach($"{Root}/m{i.ToString(CultureInfo.InvariantCulture)}"));
        for (var i = 0; i < spec.Scratch.Length; i++)
            area.Mounts.Add(Scratch(spec, spec.Scratch[i], $"{Root}/s{i.ToString(CultureInfo.InvariantCulture)}"));
        area.Mounts.Sort((a, b) => string.CompareOrdinal(a.At, b.At));
        WriteEtc(Etc, etc);
        return area;
    }

    private static StagedMount Scratch(EnclosureSpec spec, ScratchSpec scratch, string path)
    {
        Directory.CreateDirectory(path);
        // Unprivileged, the keeper's uid 0 is the agent's own.
        var owner = spec.IsRoot ? $",uid={spec.HostUid},gid={spec.HostGid}" : "";
        Mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV | (scratch.Exec ? 0 : MS_NOEXEC), $"mode=0700,size={scratch.Size},nr_inodes=262144{owner}");
        return new(path, scratch.At, IsWritable: true);
    }

    private static void WriteEtc(string etc, ImmutableDictionary<string, string> files)
    {
        foreach (var (name, content) in files)
        {
            var path = Path.Combine(etc, name);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, content);
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        }
    }

    private static void Mount(string source, string target, string type, nuint flags, string options) =>
        Check(LibC.mount(source, target, type, flags, options), $"mount {type} at {target} ({options})");

    private sealed class OwnerMaps(EnclosureSpec spec) : IDisposable
    {
        private readonly Dictionary<Owner, SafeFileHandle> _maps = [];

        public SafeFileHandle For(Owner owner)
        {
            if (!_maps.TryGetValue(owner, out var map))
                _maps[owner] = map = OwnerMap.Create(Programs.Unshare, owner, new(spec.HostUid, spec.HostGid));
            return map;
        }

        public void Dispose()
        {
            foreach (var map in _maps.Values)
                map.Dispose();
        }
    }

    private sealed record Sources(LayeredMount Spec, bool IsDirectory, DetachedMount Host, DetachedMount? Mask, DetachedMount? Upper)
    {
        public static Sources Open(LayeredMount spec, OwnerMaps maps)
        {
            return new(spec, Directory.Exists(spec.Host), Open(spec.Host), spec.Mask is null ? null : Open(spec.Mask), spec.Upper is null ? null : Open(spec.Upper));

            DetachedMount Open(string path)
            {
                var mount = DetachedMount.Clone(path);
                if (spec.MapOwner is { } owner && !mount.TryMapOwners(maps.For(owner)) && (spec.Upper is not null || spec.Direct))
                {
                    throw new NotSupportedException(
                        $"{path}: its file system has no idmapped mounts, so root can not lend it to an unprivileged agent: run gatehouse as the owner of {path}");
                }

                return mount;
            }
        }

        public StagedMount Attach(string path)
        {
            var lower = path + "/lower";
            if (!IsDirectory)
            {
                Directory.CreateDirectory(path);
                File.WriteAllText(lower, "");
                Host.AttachAt(lower);
                return new(lower, Spec.At, IsWritable: false);
            }

            Directory.CreateDirectory(lower);
            Host.AttachAt(lower);
            if (Spec.Direct)
                return new(lower, Spec.At, IsWritable: true);

            // Reading through an overlay too, so that a unix socket or FIFO among the inputs leads nowhere: its inode is another one.
            var mask = path + "/mask";
            Directory.CreateDirectory(mask);
            if (Mask is null)
                LikeLower(mask, lower);
            else
                Mask.AttachAt(mask);
            var merged = path + "/merged";
            Directory.CreateDirectory(merged);
            var options = $"lowerdir={mask}:{lower},userxattr";
            if (Upper is not null)
            {
                var upper = path + "/rw";
                Directory.CreateDirectory(upper);
                Upper.AttachAt(upper);
                options = $"lowerdir={(Mask is null ? lower : $"{mask}:{lower}")},upperdir={upper}/upper,workdir={upper}/work,userxattr";
            }

            try
            {
                Mount("overlay", merged, "overlay", MS_NOSUID | MS_NODEV | (Upper is null ? MS_RDONLY : 0), options);
            }
            catch (SystemCallException e)
            {
                throw new NotSupportedException(
                    $"{Spec.Host} can not be layered ({e.Message}): its file system does not take part in OverlayFS, or others are mounted below it; name a directory without", e);
            }

            return new(merged, Spec.At, IsWritable: Upper is not null);
        }

        // The topmost layer lends the merged root its mode and owner.
        private static void LikeLower(string mask, string lower)
        {
            var owner = FileOwner.Of(lower);
            File.SetUnixFileMode(mask, File.GetUnixFileMode(lower));
            // An input of somebody else's has an owner that the keeper's user namespace can not name; nobody writes there anyway.
            _ = LibC.chown(mask, owner.Uid, owner.Gid);
        }
    }
}

/// <param name="Source">Path in the keeper's mount namespace.</param>
/// <param name="At">Where the agent sees it.</param>
/// <param name="IsWritable">Whether the agent may write to it.</param>
internal sealed record StagedMount(string Source, string At, bool IsWritable);
