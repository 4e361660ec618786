using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Gatehouse.Gate.Native;
using Gatehouse.Policy;
using Gatehouse.Policy.Parsing;

namespace Gatehouse.Gate.Policies;

/// <summary>One reading of a policy file.</summary>
/// <param name="Policy">Null when it has errors.</param>
/// <param name="Sha256">Of its bytes, lower-case hex; empty when it could not be read.</param>
/// <param name="Errors">Why there is no policy.</param>
internal sealed record PolicyFile(AgentPolicy? Policy, string Sha256, ImmutableArray<string> Errors)
{
    public static PolicyFile Read(string path)
    {
        byte[] bytes;
        try
        {
            // A FIFO would block the gate, a device would never end.
            if (FileStatus.Of(path) is not { IsRegular: true })
                return new(null, "", [$"{path} is not there, or not a regular file"]);
            using var file = File.OpenRead(path);
            if (file.Length > PolicyParser.MaxBytes)
                return new(null, "", [$"{path} is larger than {PolicyParser.MaxBytes} bytes"]);
            bytes = new byte[file.Length];
            file.ReadExactly(bytes);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new(null, "", [e.Message]);
        }

        var result = PolicyParser.Parse(Encoding.UTF8.GetString(bytes), path);
        return new(result.Policy, Convert.ToHexStringLower(SHA256.HashData(bytes)), [.. result.Errors.Select(error => error.ToString())]);
    }
}
