using System.Collections.Immutable;
using System.Globalization;
using Gatehouse.AgentSandbox.Enclosure;
using Gatehouse.AgentSandbox.Native;
using Gatehouse.AgentSandbox.Workspaces;
using Microsoft.Win32.SafeHandles;

namespace Gatehouse.AgentSandbox.Containers;

/// <summary>
/// A session's folders as an engine mounts them: overlays as local volumes of type overlay, which the engine mounts, so that nobody here need be
/// root; files and worktrees as bind mounts. Option strings have no way to quote a comma or colon: the engine gets links below the session's folder.
/// </summary>
internal sealed class ContainerMounts(EnclosureSpec spec, ContainerSettings settings, EngineFacts engine, string installation)
{
    private const int MNT_DETACH = 2;

    private readonly string _folder = Path.Combine(settings.Folder, "container");

    /// <summary>What was mounted on the host, newest first: only where root lends its own folders to an agent that is not root.</summary>
    public ImmutableArray<string> HostMounts { get; private set; } = [];

    /// <summary>Named volumes to make before, and to remove after (Podman); Docker makes nameless ones with the container.</summary>
    public List<(string Name, List<string> Arguments)> Volumes { get; } = [];

    /// <returns>Values of <c>--mount</c> and <c>--volume</c>, parents before children.</returns>
    /// <exception cref="EnclosureException">A path can not be handed to an engine.</exception>
    public List<string> Prepare(Action<ImmutableArray<string>> announce)
    {
        if (_folder.AsSpan().ContainsAny(",:\"\\\n"))
            throw new EnclosureException($"the state directory {settings.State} has a comma, colon, quote or backslash in its path, which container engines can not mount: set GATEHOUSE_STATE to another place");
        Directory.CreateDirectory(_folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var planned = ImmutableArray.CreateBuilder<string>();
        for (var i = 0; i < spec.Mounts.Length; i++)
        {
            if (spec.Mounts[i].MapOwner is not null)
                planned.AddRange(Part(i, "host"), Part(i, "rw"), Part(i, "mask"));
        }

        HostMounts = planned.ToImmutable();
        announce(HostMounts);
        List<string> values = [.. EtcFiles()];
        for (var i = 0; i < spec.Mounts.Length; i++)
            values.Add(Mount(spec.Mounts[i], i));
        return values;
    }

    /// <summary>Idempotent.</summary>
    public static void Unmount(IEnumerable<string> paths)
    {
        foreach (var path in paths)
            _ = LibC.umount2(path, MNT_DETACH);
    }

    private IEnumerable<string> EtcFiles()
    {
        foreach (var (name, content) in spec.Etc.SetItems(spec.EtcFromHost.Select(file => KeyValuePair.Create(file.Key, File.ReadAllText(file.Value)))))
        {
            var path = Path.Combine(_folder, "etc", name);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, content);
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
            yield return ContainerArguments.Bind(path, "/etc/" + name, isReadOnly: true);
        }
    }

    private string Mount(LayeredMount mount, int index)
    {
        var lower = Source(mount, mount.Host, Part(index, "host"));
        if (mount.Direct || !Directory.Exists(mount.Host))
            return ContainerArguments.Bind(lower, mount.At, isReadOnly: !mount.Direct);

        var layers = mount.Mask is null ? lower : $"{Source(mount, mount.Mask, Part(index, "mask"))}:{lower}";
        string options;
        if (mount.Upper is { } upper)
        {
            var writable = Source(mount, upper, Part(index, "rw"));
            options = $"lowerdir={layers},upperdir={writable}/{OverlayWorkspace.Upper},workdir={writable}/{OverlayWorkspace.Work}";
        }
        else
        {
            // Reading through an overlay too, so that a unix socket or FIFO among the inputs leads nowhere: its inode is another one.
            options = mount.Mask is null ? $"lowerdir={EmptyLike(mount.Host, index)}:{lower}" : $"lowerdir={layers}";
        }

        // Unprivileged review commands read the marks of the layers: they are of the user's namespace, whoever mounts.
        options += ",userxattr,nosuid,nodev";
        if (mount.Upper is null)
            options += engine.IsDocker ? ",ro" : ThrownAway(mount, index);
        return engine.IsDocker ? Nameless(mount, options) : Named(mount, index, options);
    }

    private string Nameless(LayeredMount mount, string options) =>
        $"type=volume,{ContainerArguments.Field("dst=" + mount.At)},volume-nocopy=true,volume-driver=local,volume-opt=type=overlay,volume-opt=device=overlay,"
        + $"{ContainerArguments.Field("volume-opt=o=" + options)},volume-label={ContainerArguments.InstallationLabel}={installation},volume-label={ContainerArguments.SessionLabel}={settings.Session}";

    private string Named(LayeredMount mount, int index, string options)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"{settings.ContainerName}-{index}");
        Volumes.Add((name,
        [
            "volume", "create", "--label", $"{ContainerArguments.InstallationLabel}={installation}", "--label", $"{ContainerArguments.SessionLabel}={settings.Session}",
            "--opt", "type=overlay", "--opt", "device=overlay", "--opt", "o=" + options, name,
        ]));
        return $"{name}:{mount.At}:nocopy,nosuid,nodev,{(mount.Upper is null ? "ro" : "rw")}";
    }

    // Podman gives a new volume to the container's user before it mounts it read-only: what it changes thereby goes into layers that nobody looks at.
    private string ThrownAway(LayeredMount mount, int index)
    {
        var (upper, work) = (Part(index, "upper"), Part(index, "work"));
        Directory.CreateDirectory(upper);
        File.SetUnixFileMode(upper, File.GetUnixFileMode(mount.Host));
        Directory.CreateDirectory(work);
        return $",upperdir={upper},workdir={work}";
    }

    // The topmost layer lends the merged root its mode and owner.
    private string EmptyLike(string host, int index)
    {
        var path = Part(index, "top");
        Directory.CreateDirectory(path);
        File.SetUnixFileMode(path, File.GetUnixFileMode(host));
        return path;
    }

    private string Source(LayeredMount mount, string path, string at)
    {
        if (mount.MapOwner is not { } owner)
        {
            File.CreateSymbolicLink(at, path);
            return at;
        }

        if (Directory.Exists(path))
            Directory.CreateDirectory(at);
        else
            File.WriteAllText(at, "");
        using var map = OwnerMap.Create(Programs.Unshare, owner, new(spec.HostUid, spec.HostGid));
        Attach(path, at, map, mount);
        return at;
    }

    private static void Attach(string path, string at, SafeFileHandle map, LayeredMount mount)
    {
        using var clone = DetachedMount.Clone(path);
        if (!clone.TryMapOwners(map) && (mount.Upper is not null || mount.Direct))
            throw new EnclosureException($"{path}: its file system has no idmapped mounts, so root can not lend it to an unprivileged agent: run gatehouse as the owner of {path}");
        clone.AttachAt(at);
    }

    private string Part(int index, string name) => Path.Combine(_folder, string.Create(CultureInfo.InvariantCulture, $"{index}-{name}"));
}
