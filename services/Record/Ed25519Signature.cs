using NSec.Cryptography;

namespace Gatehouse.Record;

/// <summary>Ed25519 (RFC 8032), over bytes from files that anybody may have written.</summary>
public static class Ed25519Signature
{
    /// <summary>False also for a signature or a key that is none, or of another length.</summary>
    /// <param name="publicKey">32 bytes.</param>
    /// <param name="message">What was signed.</param>
    /// <param name="signature">64 bytes.</param>
    public static bool Verify(ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature) =>
        PublicKey.TryImport(SignatureAlgorithm.Ed25519, publicKey, KeyBlobFormat.RawPublicKey, out var key) && key is not null
        && SignatureAlgorithm.Ed25519.Verify(key, message, signature);
}

/// <summary>Who can sign in the log sink's name: the log sink alone.</summary>
public interface ISigner
{
    /// <summary>32 bytes.</summary>
    byte[] PublicKey { get; }

    /// <returns>64 bytes.</returns>
    byte[] Sign(ReadOnlySpan<byte> message);
}
