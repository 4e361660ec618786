using System.Collections.Immutable;
using System.Globalization;
using Gatehouse.AgentSandbox.Enclosure;
using Gatehouse.AgentSandbox.Native;

if (args is [Keeper.Argument, var channel, var launcher])
    return Keeper.Run(int.Parse(channel, CultureInfo.InvariantCulture), int.Parse(launcher, CultureInfo.InvariantCulture));

var ws = args[0];
var root = LibC.getuid() == 0;
var spec = new EnclosureSpec
{
    Sockets = SocketFactory.Describe([22], true),
    Mounts = [new(ws + "/lower", "/workspace", ws + "/ws0", null, false, root ? new Owner(0, 0) : null), new(ws + "/in", "/docs", null, null, false, root ? new Owner(0, 0) : null)],
    Scratch = [new("/tmp", 100 << 20), new(BubblewrapArguments.Home, 64 << 20), new("/dev/shm", 64 << 20)],
    Etc = new Dictionary<string, string> { ["passwd"] = "agent:x:1000:1000::/home/agent:/bin/bash\n", ["resolv.conf"] = "nameserver 198.18.0.1\n" }.ToImmutableDictionary(),
    Environment = new Dictionary<string, string> { ["PATH"] = "/usr/bin:/bin:/usr/sbin", ["HOME"] = "/home/agent", ["TERM"] = "xterm" }.ToImmutableDictionary(),
    Command = [.. args[1..]],
    WorkingDirectory = "/workspace",
    Bubblewrap = Programs.Bubblewrap,
    HostUid = root ? 1900001000 : LibC.getuid(),
    HostGid = root ? 1900001000 : LibC.getgid(),
    IsRoot = root,
    Processes = 200,
};
using var e = EnclosureProcess.Prepare(spec);
Console.Error.WriteLine($"{e.Sockets.Length} sockets");
e.CloseSockets();
e.Start();
var code = e.Wait(out var ran);
Console.Error.WriteLine($"code {code} ran {ran}");
return code;
