using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Gatehouse.DemoOrigin;

/// <summary>
/// A certificate authority that lives as long as this process: its key is in memory alone, its certificate in a file for those who
/// trust it.
/// </summary>
internal static class DemoCertificates
{
    private static readonly TimeSpan s_lifetime = TimeSpan.FromDays(30);

    /// <returns>A server certificate for the address and the names.</returns>
    public static X509Certificate2 Create(string authorityFile, IPAddress address, params string[] names)
    {
        var now = TimeProvider.System.GetUtcNow();
        using var authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var authorityRequest = new CertificateRequest("CN=Gatehouse demo CA", authorityKey, HashAlgorithmName.SHA256);
        authorityRequest.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, true));
        authorityRequest.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        authorityRequest.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(authorityRequest.PublicKey, false));
        using var authority = authorityRequest.CreateSelfSigned(now.AddHours(-1), now + s_lifetime);

        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=" + names[0], key, HashAlgorithmName.SHA256);
        var alternatives = new SubjectAlternativeNameBuilder();
        foreach (var name in names)
            alternatives.AddDnsName(name);
        alternatives.AddIpAddress(address);
        request.CertificateExtensions.Add(alternatives.Build());
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new("1.3.6.1.5.5.7.3.1")], false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(authority, true, false));
        using var certificate = request.Create(authority, now.AddHours(-1), now + s_lifetime, RandomNumberGenerator.GetBytes(12));

        File.WriteAllText(authorityFile + ".new", authority.ExportCertificatePem() + "\n");
        File.Move(authorityFile + ".new", authorityFile, overwrite: true);
        return certificate.CopyWithPrivateKey(key);
    }
}
