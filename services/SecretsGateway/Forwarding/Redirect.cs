using Gatehouse.Policy.Secrets;

namespace Gatehouse.SecretsGateway.Forwarding;

/// <summary>
/// A redirect is the agent's to follow, through the gateway and its rules again: never the gateway's own, with the credential, to
/// wherever the upstream says.
/// </summary>
internal static class Redirect
{
    /// <param name="location">As sent.</param>
    /// <param name="requested">What was asked for.</param>
    /// <param name="secret">Whose upstream it is.</param>
    /// <param name="rewritten">The same place at the gateway.</param>
    /// <returns>False when it leads elsewhere.</returns>
    public static bool TryRewrite(string location, Uri requested, SecretPolicy secret, out string rewritten)
    {
        rewritten = "";
        var upstream = secret.Upstream;
        if (!Uri.TryCreate(requested, location, out var target) || target.Scheme != upstream.Scheme || target.IdnHost != upstream.IdnHost
            || target.Port != upstream.Port || target.UserInfo.Length > 0)
            return false;
        var prefix = upstream.AbsolutePath.TrimEnd('/');
        var path = target.AbsolutePath;
        if (!path.StartsWith(prefix, StringComparison.Ordinal) || (path.Length > prefix.Length && path[prefix.Length] != '/'))
            return false;
        rewritten = $"http://secrets.gatehouse/{secret.Name}{path[prefix.Length..]}{target.Query}{target.Fragment}";
        return true;
    }
}
