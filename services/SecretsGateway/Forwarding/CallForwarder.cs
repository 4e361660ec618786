using System.Globalization;
using System.Security.Cryptography;
using Gatehouse.Gate.Kestrel;
using Gatehouse.Gate.Recording;
using Gatehouse.SecretsGateway.Calls;
using Gatehouse.SecretsGateway.Credentials;
using Gatehouse.SecretsGateway.Sessions;
using Microsoft.Extensions.Options;
using Yarp.ReverseProxy.Forwarder;

namespace Gatehouse.SecretsGateway.Forwarding;

/// <summary>Carries an allowed call out and records how it ended, whichever way it ended.</summary>
internal sealed class CallForwarder(IHttpForwarder forwarder, EventRecorder recorder, TimeProvider time, IOptions<GatewayOptions> options)
{
    private readonly ForwarderRequestConfig _forwarding = new()
    {
        ActivityTimeout = options.Value.ActivityTimeout,
        AllowResponseBuffering = false,
    };

    public async Task ForwardAsync(
        HttpContext context, SessionState state, SecretCall call, CallDecision decision, SecretValue credential, Guid attempt,
        string subject)
    {
        var started = time.GetTimestamp();
        await using var masking = credential.Mask(context.Response.Body);
        var (request, response) = (new CountingStream(context.Request.Body), new CountingStream(masking));
        (context.Request.Body, context.Response.Body) = (request, response);
        var (secret, problem, pruned) = (decision.Secret!, "the gateway failed", new PrunedHeaders([], []));
        try
        {
            var transformer = new CallTransformer(secret, decision.Path, call.Query, credential);
            var (error, exception) = await SendAsync(context, state, decision, transformer);
            problem = error == ForwarderError.None ? "" : UpstreamFailures.Describe(error, exception, credential);
            pruned = transformer.Pruned;
            if (exception is not null && credential.IsIn(exception.GetBaseException().Message))
                pruned.Reflected.Add(UpstreamFailures.Malformed);
            if (transformer.Hidden is { } encoding)
                problem = $"the upstream answered in the encoding {encoding}, in which the credential can not be found";
            if (context.RequestAborted.IsCancellationRequested)
                return;
            var isAnswered = error == ForwarderError.None && transformer.Hidden is null;
            if (!isAnswered && context.Response.HasStarted)
                return;
            if (!isAnswered)
                await UpstreamFailures.Answer(error, exception, secret.Name).WriteAsync(context);
            await masking.CompleteAsync(context.RequestAborted);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            // The agent hung up before the last of it.
            problem = $"{ForwarderError.ResponseBodyDestination}: {e.Message}";
        }
        finally
        {
            if (masking.Masked > 0)
                pruned.Reflected.Add(UpstreamHeaders.Body);
            var duration = time.GetElapsedTime(started);
            recorder.RecordEnd(state.Session, attempt, "request.end", subject, request.Count, response.Count, duration, detail =>
            {
                detail["status"] = context.Response.StatusCode.ToString(CultureInfo.InvariantCulture);
                detail["upstream"] = secret.Upstream.Authority;
                detail["removed"] = pruned.Removed.Count == 0 ? null : string.Join(' ', pruned.Removed);
                // A member of its own: what is told to people hangs on it.
                detail["reflected"] = pruned.Reflected.Count == 0 ? null : string.Join(' ', pruned.Reflected);
                detail["problem"] = problem.Length == 0 ? null : problem;
            });
        }
    }

    private async Task<(ForwarderError Error, Exception? Exception)> SendAsync(
        HttpContext context, SessionState state, CallDecision decision, CallTransformer transformer)
    {
        var secret = decision.Secret!;
        try
        {
            var client = state.Clients.For(secret);
            var error = await forwarder.SendAsync(
                context, secret.Upstream.AbsoluteUri, client, _forwarding, transformer, state.Session.Ended);
            return (error, context.Features.Get<IForwarderErrorFeature>()?.Exception);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            return (ForwarderError.RequestCreation, e);
        }
    }
}
