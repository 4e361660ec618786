using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Gatehouse.Gate;
using Gatehouse.Policy;
using Gatehouse.Policy.Secrets;
using Gatehouse.SecretsGateway.Masking;
using Microsoft.Win32.SafeHandles;

namespace Gatehouse.SecretsGateway.Credentials;

/// <summary>
/// Reads a credential when it is needed and keeps no copy, so that a rotated one is picked up. What goes wrong is for the record, not
/// for the agent.
/// </summary>
internal static class SecretReader
{
    private const UnixFileMode OpenToOthers = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute
        | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    /// <param name="session">Whose credential.</param>
    /// <param name="source">Where it is.</param>
    /// <param name="problem">Why there is none, when null; else what a person should mend, or empty.</param>
    public static SecretValue? Read(GateSession session, SecretSource source, out string problem)
    {
        switch (source.Scheme)
        {
            case SecretScheme.Env:
                return ReadVariable(session, source.Value, out problem);
            case SecretScheme.File:
                return ReadFile(HostPaths.Expand(source.Value, session.PolicyDirectory, Home), out problem);
            default:
                problem = "credentials come from env: or file:, other stores are not supported yet";
                return null;
        }
    }

    private static string Home => Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);

    private static SecretValue? ReadVariable(GateSession session, string name, out string problem)
    {
        if ((session.Environment.GetValueOrDefault(name) ?? Environment.GetEnvironmentVariable(name)) is not { } text)
        {
            problem = $"{name} is not set, neither where 'gatehouse run' was typed nor where the services were started";
            return null;
        }

        var secret = SecretValue.TryCreate(text, out var error);
        problem = secret is null ? $"the credential in {name} {error}" : Remark(secret, name);
        return secret;
    }

    private static SecretValue? ReadFile(string path, out string problem)
    {
        try
        {
            using var file = SecretFile.Open(path);
            var secret = ReadAll(file, out var error);
            problem = secret is null ? $"the credential in {path} {error}"
                : (File.GetUnixFileMode(file) & OpenToOthers) != 0 ? $"{path} is open to other users: chmod 600 it" : Remark(secret, path);
            return secret;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problem = e.Message;
            return null;
        }
    }

    private static string Remark(SecretValue secret, string place) =>
        secret.IsTooShortToMask() ? $"the credential in {place} is shorter than {CredentialForms.LeastLength} characters: answers are not searched for it" : "";

    private static SecretValue? ReadAll(SafeFileHandle file, out string error)
    {
        // One more than may be, and the newlines that editors and echo leave at the end.
        var bytes = GC.AllocateUninitializedArray<byte>(SecretValue.MaxLength + 3, pinned: true);
        var text = GC.AllocateUninitializedArray<char>(bytes.Length, pinned: true);
        try
        {
            var count = 0;
            for (int read; count < bytes.Length && (read = RandomAccess.Read(file, bytes.AsSpan(count), count)) > 0;)
                count += read;
            // Latin-1: one character a byte, so that what is not ASCII is refused and not replaced.
            var length = Encoding.Latin1.GetChars(bytes.AsSpan(0, count), text);
            return SecretValue.TryCreate(text.AsSpan(0, length).TrimEnd("\r\n"), out error);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(bytes);
            CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(text.AsSpan()));
        }
    }
}
