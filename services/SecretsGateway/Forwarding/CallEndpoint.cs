using Gatehouse.Gate;
using Gatehouse.Gate.Recording;
using Gatehouse.SecretsGateway.Calls;
using Gatehouse.SecretsGateway.Credentials;
using Gatehouse.SecretsGateway.Sessions;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;

namespace Gatehouse.SecretsGateway.Forwarding;

/// <summary>One request from an enclosure: decide, read the credential, record, and only then forward or refuse.</summary>
internal sealed partial class CallEndpoint(
    SecretsGate gate, CallForwarder forwarder, EventRecorder recorder, IOptions<GatewayOptions> options, TimeProvider time, ILogger<CallEndpoint> logger)
{
    public async Task InvokeAsync(HttpContext context)
    {
        context.Features.Set(new SeenRequest());
        var session = context.Features.GetRequiredFeature<Gate.Kestrel.ISessionFeature>().Session;
        // Gone between two requests of a connection: there is nobody left to answer.
        if (gate.Find(session) is not { } state)
        {
            context.Abort();
            return;
        }

        var begin = time.GetTimestamp();
        var call = SecretCall.Of(context);
        var decision = Decide(session, call, context.Request.ContentLength);
        var held = decision.Denial == CallDenial.None && state.Requests.Wait(0, CancellationToken.None);
        try
        {
            if (decision.Denial == CallDenial.None && !held)
                decision = decision with { Denial = CallDenial.TooManyRequests };
            await AnswerAsync(context, state, call, decision, begin);
        }
        finally
        {
            if (held)
                state.Requests.Release();
        }
    }

    private async Task AnswerAsync(HttpContext context, SessionState state, SecretCall call, CallDecision decision, long begin)
    {
        var problem = "";
        using var credential = decision.Denial == CallDenial.None
            ? SecretReader.Read(state.Session, decision.Secret!.From, out problem)
            : null;
        if (decision.Denial == CallDenial.None && credential is null)
            decision = decision with { Denial = CallDenial.CredentialUnreadable };
        if (problem.Length > 0 && state.IsNews(problem))
            Log.Credential(logger, decision.Secret!.Name, problem);

        var subject = Subject(call, decision);
        var attempt = recorder.TryRecord(state.Session, "request", subject, decision.Verdict, detail =>
        {
            detail["denial"] = decision.Denial == CallDenial.None ? null : CallAnswers.Word(decision.Denial);
            detail["upstream"] = decision.Secret?.Upstream.Authority;
            detail["credential"] = problem.Length == 0 ? null : problem;
        });
        if (attempt is null)
            decision = decision with { Denial = CallDenial.NotRecorded };
        recorder.Decided(decision.Denial == CallDenial.None, time.GetElapsedTime(begin));
        if (decision.Denial == CallDenial.None)
            await forwarder.ForwardAsync(context, state, call, decision, credential!, attempt!.Value, subject);
        else
            await CallProblem.Denied(decision.Denial, decision.Secret?.Name).WriteAsync(context);
    }

    private CallDecision Decide(GateSession session, SecretCall call, long? contentLength)
    {
        try
        {
            var decision = CallDecider.Decide(session.Policy, call);
            return decision.Denial == CallDenial.None && contentLength > options.Value.MaxRequestBodyBytes
                ? decision with { Denial = CallDenial.BodyTooLarge }
                : decision;
        }
        catch (Exception e)
        {
            Log.DecisionFailed(logger, e);
            return new(CallDenial.Error, null, "", null);
        }
    }

    // Without the query, which may hold anything; what was not understood is shown as it came.
    private static string Subject(SecretCall call, CallDecision decision) =>
        decision.Secret is { } secret ? $"{call.Method} {secret.Name}{decision.Path}" : $"{call.Method} {call.Path.TrimStart('/')}";

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "The credential of the secret {Secret}: {Problem}")]
        public static partial void Credential(ILogger logger, string secret, string problem);

        [LoggerMessage(2, LogLevel.Error, "A call could not be decided, and was denied")]
        public static partial void DecisionFailed(ILogger logger, Exception exception);
    }
}

/// <summary>On requests that have an event of their own.</summary>
internal sealed class SeenRequest;
