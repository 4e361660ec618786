using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Gatehouse.Gate.Native;
using Gatehouse.Policy;
using Gatehouse.Policy.Parsing;
using Microsoft.Win32.SafeHandles;

namespace Gatehouse.Gate.Policies;

/// <summary>A policy file as it was read: its bytes' hash, and the policy or every error.</summary>
internal sealed record PolicyFile(string Sha256, AgentPolicy? Policy, ImmutableArray<string> Errors)
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Reads and parses; every failure is in <see cref="Errors"/>.</summary>
    public static PolicyFile Read(string path)
    {
        if (!TryReadBytes(path, out var bytes, out var error))
            return new("", null, [error]);
        var hash = Convert.ToHexStringLower(SHA256.HashData(bytes));
        string text;
        try
        {
            text = StrictUtf8.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            return new(hash, null, [$"{path} is not UTF-8. Save it as UTF-8."]);
        }
        var result = PolicyParser.Parse(text.TrimStart('\uFEFF'), path);
        return new(hash, result.Errors.IsEmpty ? result.Policy : null, [.. result.Errors.Select(e => e.ToString())]);
    }

    private static bool TryReadBytes(string path, out byte[] bytes, out string error)
    {
        bytes = [];
        // O_NONBLOCK: opening a FIFO must not hang. A link is followed, for people link their policies.
        using var file = new SafeFileHandle(Libc.open(path, Libc.O_RDONLY | Libc.O_NONBLOCK | Libc.O_CLOEXEC | Libc.O_NOCTTY), ownsHandle: true);
        if (file.IsInvalid)
        {
            error = $"{path} can not be read: {Marshal.GetLastPInvokeErrorMessage()}.";
            return false;
        }
        if (Libc.statx((int)file.DangerousGetHandle(), "", Libc.AT_EMPTY_PATH, Libc.STATX_BASIC_STATS, out var status) != 0
            || status.Type != Libc.S_IFREG)
        {
            error = $"{path} is not a regular file.";
            return false;
        }
        try
        {
            // One more than is taken: the file may grow while it is read.
            var buffer = new byte[PolicyParser.MaxBytes + 1 < (long)status.Size ? PolicyParser.MaxBytes + 1 : (int)status.Size + 1];
            var length = 0;
            for (int read; length < buffer.Length && (read = RandomAccess.Read(file, buffer.AsSpan(length), length)) > 0;)
                length += read;
            error = length > PolicyParser.MaxBytes ? $"{path} is longer than {PolicyParser.MaxBytes} bytes."
                : length == buffer.Length ? $"{path} changed while it was read. Try again."
                : "";
            bytes = buffer[..length];
            return error.Length == 0;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            error = $"{path} can not be read: {failure.Message}";
            return false;
        }
    }
}
