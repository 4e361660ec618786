using Gatehouse.Gate;
using Gatehouse.Policy;
using Gatehouse.Policy.Secrets;

namespace Gatehouse.SecretsGateway.Credentials;

/// <summary>Reads a credential when it is needed, so that a rotated one is picked up. What goes wrong is for the record, not for the agent.</summary>
internal static class SecretReader
{
    /// <returns>Null, with the reason in <paramref name="error"/>.</returns>
    public static SecretValue? Read(GateSession session, SecretSource source, out string error)
    {
        error = "";
        try
        {
            var text = source.Scheme switch
            {
                SecretScheme.Env => session.Environment.GetValueOrDefault(source.Value) ?? Environment.GetEnvironmentVariable(source.Value),
                SecretScheme.File => ReadFile(session, source.Value, ref error),
                _ => null,
            };
            if (text is null)
                error = error.Length > 0 ? error : $"{source.Value} is not set, neither where 'gatehouse run' was typed nor where the services were started";
            else if (SecretValue.TryCreate(text) is { } value)
                return value;
            else
                error = $"the credential in {source.Value} is empty, longer than {SecretValue.MaxLength} characters, or has characters that no header may have";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            error = e.Message;
        }

        return null;
    }

    private static string? ReadFile(GateSession session, string text, ref string error)
    {
        var path = HostPaths.Expand(text, session.PolicyDirectory, Environment.GetFolderPath(Environment.SpecialFolder.UserProfile));
        // A FIFO would block, a device would never end.
        if ((File.GetAttributes(path) & (FileAttributes.Directory | FileAttributes.Device)) != 0)
        {
            error = $"{path} is not a regular file";
            return null;
        }

        using var file = new FileStream(path, FileMode.Open, FileAccess.Read);
        if (!file.CanSeek || file.Length > SecretValue.MaxLength)
        {
            error = $"{path} is not a regular file of at most {SecretValue.MaxLength} bytes";
            return null;
        }

        if ((File.GetUnixFileMode(file.SafeFileHandle) & (UnixFileMode.GroupRead | UnixFileMode.OtherRead)) != 0)
        {
            error = $"{path} can be read by other users: chmod 600 it";
            return null;
        }

        using var reader = new StreamReader(file);
        return reader.ReadToEnd().TrimEnd('\r', '\n');
    }
}
