using System.Text;
using Gatehouse.Policy;

namespace Gatehouse.AgentSandbox.Launch;

/// <summary>The authorities that programs inside must trust when the policy pins an origin with a CA of its own.</summary>
internal static class CertificateBundle
{
    private const int MaxBytes = 4 * 1024 * 1024;

    private static readonly string[] s_system =
        ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"];

    /// <returns>PEM text of the system's and the policy's authorities; null when the policy names none.</returns>
    /// <exception cref="LaunchException">A named file is missing, too large or no certificate.</exception>
    public static string? Build(AgentPolicy policy, Func<string, string> expand)
    {
        var files = policy.Egress.Allow.Select(rule => rule.Trust).OfType<string>().Select(expand).Distinct().ToList();
        if (files.Count == 0)
            return null;
        var bundle = new StringBuilder();
        if (s_system.FirstOrDefault(File.Exists) is { } system)
            bundle.AppendLine(File.ReadAllText(system));
        foreach (var file in files)
        {
            if (!File.Exists(file))
                throw new LaunchException(ExitCodes.BadPolicy, $"trust: {file} does not exist: write the CA's certificate there, as PEM");
            if (new FileInfo(file).Length > MaxBytes)
                throw new LaunchException(ExitCodes.BadPolicy, $"trust: {file} is larger than 4 MiB: name a file with the CA's certificate alone");
            var text = File.ReadAllText(file);
            if (!text.Contains("-----BEGIN CERTIFICATE-----", StringComparison.Ordinal) || text.Contains("PRIVATE KEY", StringComparison.Ordinal))
                throw new LaunchException(ExitCodes.BadPolicy, $"trust: {file} is not a PEM certificate, or holds a private key, which the agent would see: keep the certificate alone");
            bundle.AppendLine(text);
        }

        return bundle.ToString();
    }
}
