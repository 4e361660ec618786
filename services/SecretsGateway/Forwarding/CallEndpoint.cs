using Gatehouse.Gate.Kestrel;
using Gatehouse.Gate.Recording;
using Gatehouse.Policy;
using Gatehouse.SecretsGateway.Calls;
using Gatehouse.SecretsGateway.Credentials;
using Gatehouse.SecretsGateway.Sessions;
using Microsoft.AspNetCore.Http.Features;
using Yarp.ReverseProxy.Forwarder;
using ISessionFeature = Gatehouse.Gate.Kestrel.ISessionFeature;

namespace Gatehouse.SecretsGateway.Forwarding;

/// <summary>One call: decide, record, read the credential, forward, record how it ended.</summary>
internal sealed class CallEndpoint(SecretsGate gate, EventRecorder recorder, IHttpForwarder forwarder, TimeProvider time)
{
    /// <summary>An answer may pause for minutes while a model thinks.</summary>
    private static readonly ForwarderRequestConfig s_forwarding = new() { ActivityTimeout = TimeSpan.FromMinutes(10), AllowResponseBuffering = false };

    public async Task InvokeAsync(HttpContext context)
    {
        var session = context.Features.GetRequiredFeature<ISessionFeature>().Session;
        var call = SecretCall.Of(context);
        var decision = CallDecider.Decide(session.Policy, call);
        var subject = $"{call.Method} {decision.Secret?.Name}{(decision.Secret is null ? call.Path : decision.Path)}";
        var state = gate.Find(session);
        var held = state is not null && decision.Denial == CallDenial.None && state.Requests.Wait(0, CancellationToken.None);
        var denial = decision.Denial != CallDenial.None ? decision.Denial : held ? CallDenial.None : CallDenial.TooManyRequests;
        try
        {
            SecretValue? credential = null;
            var detail = "";
            if (denial == CallDenial.None && (credential = SecretReader.Read(session, decision.Secret!.From, out detail)) is null)
                denial = CallDenial.CredentialUnreadable;
            using var _ = credential;
            var verdict = denial == CallDenial.None
                ? Verdict.Allow(decision.Rule!)
                : Verdict.Deny(CallDenials.Answer(denial).Title, decision.Secret is null ? null : $"secrets {decision.Secret.Name}");
            var attempt = recorder.TryRecord(session, "request", subject, verdict, more =>
            {
                more["upstream"] = decision.Secret?.Upstream.Authority;
                more["problem"] = detail.Length == 0 ? null : detail;
            });
            if (attempt is null)
                denial = CallDenial.NotRecorded;
            if (denial == CallDenial.None)
                await ForwardAsync(context, state!, decision, call, credential!, attempt!.Value, subject);
            else
                await RefuseAsync(context, denial);
        }
        finally
        {
            if (held)
                state!.Requests.Release();
        }
    }

    private async Task ForwardAsync(
        HttpContext context, SessionState state, CallDecision decision, SecretCall call, SecretValue credential, Guid attempt, string subject)
    {
        var session = context.Features.GetRequiredFeature<ISessionFeature>().Session;
        var secret = decision.Secret!;
        var transformer = new SecretTransformer(secret, decision.Path, call.Query.Length > 1 ? call.Query : "", credential);
        var started = time.GetTimestamp();
        var request = new CountingStream(context.Request.Body);
        var response = new CountingStream(context.Response.Body);
        (context.Request.Body, context.Response.Body) = (request, response);
        var error = ForwarderError.Request;
        try
        {
            error = await forwarder.SendAsync(context, secret.Upstream.ToString().TrimEnd('/'), state.Clients.For(secret), s_forwarding, transformer, session.Ended);
            if (error != ForwarderError.None && !context.Response.HasStarted)
                await RefuseAsync(context, CallDenial.UpstreamFailed);
        }
        finally
        {
            var problem = context.Features.Get<IForwarderErrorFeature>()?.Exception;
            recorder.RecordEnd(session, attempt, "request.end", subject, request.Count, response.Count, time.GetElapsedTime(started), more =>
            {
                more["status"] = context.Response.StatusCode.ToString(System.Globalization.CultureInfo.InvariantCulture);
                more["removed"] = transformer.Removed.Count == 0 ? null : string.Join(' ', transformer.Removed);
                more["problem"] = error == ForwarderError.None ? null : $"{error}: {Innermost(problem)}";
            });
        }
    }

    private static string Innermost(Exception? exception) => exception?.GetBaseException().Message ?? "";

    private static Task RefuseAsync(HttpContext context, CallDenial denial)
    {
        var (status, title) = CallDenials.Answer(denial);
        return Results.Problem(statusCode: status, title: title, type: "about:blank").ExecuteAsync(context);
    }
}
