using System.Collections.Immutable;

namespace Gatehouse.AgentSandbox.Enclosure;

/// <summary>The files of /etc that Gatehouse writes itself: nothing in them tells about the machine or its people.</summary>
internal static class SyntheticEtc
{
    /// <summary>Where a bundle of certificate authorities stands when the policy trusts more than the system does.</summary>
    public const string CertificateBundle = "gatehouse/ca-bundle.pem";

    /// <param name="uid">The agent's id inside.</param>
    public static ImmutableDictionary<string, string> Files(uint uid = BubblewrapArguments.Uid)
    {
        var files = ImmutableDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        files["passwd"] = $"root:x:0:0:root:/nonexistent:/usr/sbin/nologin\nagent:x:{uid}:{uid}:agent:{BubblewrapArguments.Home}:/bin/bash\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n";
        files["group"] = $"root:x:0:\nagent:x:{uid}:\nnogroup:x:65534:\n";
        files["hostname"] = "enclosure\n";
        files["hosts"] = $"127.0.0.1 localhost enclosure\n::1 localhost\n{SocketFactory.GateAddress} secrets.gatehouse proxy.gatehouse\n";
        // Any address would do: all of them are the resolver.
        files["resolv.conf"] = $"nameserver {SocketFactory.GateAddress}\noptions timeout:3 attempts:2\n";
        files["nsswitch.conf"] = "passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n";
        files["host.conf"] = "multi on\n";
        files["shells"] = "/bin/sh\n/bin/bash\n";
        files["profile"] = "";
        return files.ToImmutable();
    }
}
