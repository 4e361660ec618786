using System.Net.Sockets;
using System.Security.Authentication;
using Gatehouse.SecretsGateway.Calls;
using Yarp.ReverseProxy.Forwarder;

namespace Gatehouse.SecretsGateway.Forwarding;

/// <summary>How an allowed call failed: what the agent is told, and what the record says.</summary>
internal static class UpstreamFailures
{
    public static CallProblem Answer(ForwarderError error, Exception? exception, string secret) => (error, Find<BadHttpRequestException>(exception)) switch
    {
        (_, { StatusCode: StatusCodes.Status413PayloadTooLarge }) => CallProblem.Denied(CallDenial.BodyTooLarge, secret),
        (_, { } malformed) => CallProblem.Failed("malformed-body", malformed.StatusCode, "the body did not come as announced", secret),
        (ForwarderError.RequestTimedOut or ForwarderError.RequestBodyCanceled or ForwarderError.ResponseBodyCanceled, _) =>
            CallProblem.Failed("upstream-timeout", StatusCodes.Status504GatewayTimeout, "the upstream did not answer in time", secret),
        _ when Find<AuthenticationException>(exception) is not null =>
            CallProblem.Failed("upstream-certificate", StatusCodes.Status502BadGateway, "the upstream's certificate is not trusted", secret),
        _ when Find<UpstreamAddressException>(exception) is not null =>
            CallProblem.Failed("upstream-address", StatusCodes.Status502BadGateway, "the upstream's name leads to an address that is not public", secret),
        _ when Find<SocketException>(exception) is not null =>
            CallProblem.Failed("upstream-unreachable", StatusCodes.Status502BadGateway, "the upstream can not be reached", secret),
        _ => CallProblem.Failed("upstream-failed", StatusCodes.Status502BadGateway, "the upstream did not answer as it should", secret),
    };

    /// <summary>For the record; never has header values in it.</summary>
    public static string Describe(ForwarderError error, Exception? exception) =>
        exception is null ? error.ToString() : $"{error}: {exception.GetBaseException().Message}";

    private static T? Find<T>(Exception? exception)
        where T : Exception => exception switch
        {
            null => null,
            T found => found,
            AggregateException many => many.InnerExceptions.Select(Find<T>).FirstOrDefault(found => found is not null),
            _ => Find<T>(exception.InnerException),
        };
}
