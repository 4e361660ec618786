using System.Net.Sockets;
using System.Security.Authentication;
using Gatehouse.SecretsGateway.Calls;
using Gatehouse.SecretsGateway.Credentials;
using Yarp.ReverseProxy.Forwarder;

namespace Gatehouse.SecretsGateway.Forwarding;

/// <summary>How an allowed call failed: what the agent is told, and what the record says.</summary>
internal static class UpstreamFailures
{
    /// <summary>Of what showed the credential, among names of header fields: an answer that is not HTTP.</summary>
    public const string Malformed = "(malformed)";

    private const int BadGateway = StatusCodes.Status502BadGateway;

    public static CallProblem Answer(ForwarderError error, Exception? exception, string secret) =>
        (error, Find<BadHttpRequestException>(exception)) switch
        {
            (_, { StatusCode: StatusCodes.Status413PayloadTooLarge }) => CallProblem.Denied(CallDenial.BodyTooLarge, secret),
            (_, { } malformed) => CallProblem.Failed("malformed-body", malformed.StatusCode, "the body did not come as announced", secret),
            (ForwarderError.RequestTimedOut or ForwarderError.RequestBodyCanceled or ForwarderError.ResponseBodyCanceled, _) =>
                CallProblem.Failed("upstream-timeout", StatusCodes.Status504GatewayTimeout, "the upstream did not answer in time", secret),
            _ when Find<AuthenticationException>(exception) is not null =>
                CallProblem.Failed("upstream-certificate", BadGateway, "the upstream's certificate is not trusted", secret),
            _ when Find<UpstreamAddressException>(exception) is not null =>
                CallProblem.Failed("upstream-address", BadGateway, "the upstream's name leads to an address that is not public", secret),
            _ when Find<SocketException>(exception) is not null =>
                CallProblem.Failed("upstream-unreachable", BadGateway, "the upstream can not be reached", secret),
            (ForwarderError.None, null) =>
                CallProblem.Failed("upstream-encoding", BadGateway, "the upstream answered in an encoding that was not asked for", secret),
            _ => CallProblem.Failed("upstream-failed", BadGateway, "the upstream did not answer as it should", secret),
        };

    /// <summary>For the record. An answer that is not HTTP is quoted in the message, and may echo what was sent.</summary>
    public static string Describe(ForwarderError error, Exception? exception, SecretValue credential) =>
        exception?.GetBaseException().Message switch
        {
            null => error.ToString(),
            var message when credential.IsIn(message) => $"{error}: malformed, and it showed the credential",
            var message => $"{error}: {message}",
        };

    private static T? Find<T>(Exception? exception)
        where T : Exception => exception switch
        {
            null => null,
            T found => found,
            AggregateException many => many.InnerExceptions.Select(Find<T>).FirstOrDefault(found => found is not null),
            _ => Find<T>(exception.InnerException),
        };
}
