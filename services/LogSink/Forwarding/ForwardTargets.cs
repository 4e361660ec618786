using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Gatehouse.LogSink.Otlp;
using Gatehouse.LogSink.Syslog;

namespace Gatehouse.LogSink.Forwarding;

/// <summary>From a URL to the one who speaks its protocol.</summary>
internal static class ForwardTargets
{
    public static IForwardTarget Create(ForwardOptions options, string instance, string version, TimeProvider time)
    {
        var url = new Uri(options.Url);
        var tls = Tls(options, url.IdnHost);
        return url.Scheme is "syslog" or "syslogs"
            ? new SyslogTarget(url, options, url.Scheme == "syslogs" ? tls : null)
            : new OtlpTarget(url, options, tls, new LogsRequest(instance, version), time);
    }

    private static SslClientAuthenticationOptions Tls(ForwardOptions options, string host)
    {
        var tls = new SslClientAuthenticationOptions { TargetHost = host };
        if (options.CaFile is not { } file)
            return tls;
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.ImportFromPemFile(file);
        tls.CertificateChainPolicy = policy;
        return tls;
    }
}
