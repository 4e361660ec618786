namespace Gatehouse.AgentSandbox.Enclosure;

/// <summary>
/// The agent's root, put together by bubblewrap: /usr read-only, a synthetic /etc, a private /dev and /proc, an empty home, and what was
/// staged; in new user, pid, ipc, uts and cgroup namespaces, without capabilities. The network namespace is the keeper's, whose owner the
/// agent's user namespace is not: no program in there can change a route.
/// </summary>
internal static class BubblewrapArguments
{
    /// <summary>Who the agent believes it is.</summary>
    public const int Uid = 1000;

    public const string Home = "/home/agent";

    /// <summary>Configuration that programs of /usr need and that holds nothing of the machine's owner.</summary>
    private static readonly string[] s_etc =
    [
        "alternatives", "ssl/certs", "ssl/openssl.cnf", "ca-certificates", "pki/tls/certs", "pki/ca-trust", "ld.so.cache", "ld.so.conf", "ld.so.conf.d",
        "fonts", "services", "protocols", "mime.types", "terminfo", "localtime", "perl", "python3", "dotnet",
    ];

    public static List<string> Build(EnclosureSpec spec, StagingArea staging, int filter, int status)
    {
        List<string> arguments =
        [
            "--unshare-user", "--disable-userns", "--uid", $"{Uid}", "--gid", $"{Uid}",
            "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup", "--hostname", "enclosure",
            "--die-with-parent", "--cap-drop", "ALL", "--seccomp", $"{filter}", "--json-status-fd", $"{status}",
            "--ro-bind", "/usr", "/usr",
        ];
        foreach (var folder in new[] { "bin", "sbin", "lib", "lib32", "lib64", "libx32" })
        {
            var info = new DirectoryInfo("/" + folder);
            if (info.LinkTarget is { } target)
                arguments.AddRange(["--symlink", target, "/" + folder]);
            else if (info.Exists)
                arguments.AddRange(["--ro-bind", "/" + folder, "/" + folder]);
        }

        foreach (var name in s_etc.Where(name => Path.Exists("/etc/" + name)))
            arguments.AddRange(["--ro-bind", "/etc/" + name, "/etc/" + name]);
        // Java's configuration has the version in its name.
        foreach (var folder in Directory.EnumerateDirectories("/etc", "java-*-openjdk"))
            arguments.AddRange(["--ro-bind", folder, folder]);
        foreach (var name in spec.Etc.Keys.Concat(spec.EtcFromHost.Keys).Order(StringComparer.Ordinal))
            arguments.AddRange(["--ro-bind", $"{StagingArea.Etc}/{name}", "/etc/" + name]);

        arguments.AddRange(["--proc", "/proc", "--dev", "/dev", "--dir", "/run", "--dir", "/var/tmp", "--dir", "/tmp"]);
        foreach (var mount in staging.Mounts)
            arguments.AddRange([mount.IsWritable ? "--bind" : "--ro-bind", mount.Source, mount.At]);
        // The tmpfs that bubblewrap makes for / and /dev have no size limit: nobody writes there.
        arguments.AddRange(["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", spec.WorkingDirectory]);
        return arguments;
    }
}
