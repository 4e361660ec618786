using System.Net;
using Gatehouse.EgressProxy.Answers;
using Gatehouse.EgressProxy.Decisions;
using Gatehouse.EgressProxy.Doors;
using Gatehouse.EgressProxy.Upstream;
using Gatehouse.Gate.Kestrel;
using Microsoft.Extensions.Options;
using Yarp.ReverseProxy.Forwarder;

namespace Gatehouse.EgressProxy.Forwarding;

/// <summary>One plain HTTP request: each is decided on its own, whatever came before it on the connection.</summary>
internal sealed class ForwardEndpoint(Checkpoint checkpoint, IHttpForwarder forwarder, IOptions<EgressOptions> options, TimeProvider time)
{
    private readonly ForwarderRequestConfig _forwarding = new()
    {
        ActivityTimeout = options.Value.IdleTimeout,
        AllowResponseBuffering = false,
        Version = HttpVersion.Version11,
        VersionPolicy = HttpVersionPolicy.RequestVersionExact,
    };

    public async Task InvokeAsync(HttpContext context)
    {
        var connection = (AgentConnection)context.Features.Get<ISessionFeature>()!;
        connection.OnRequest();
        context.Features.Set(new SeenRequest());

        var target = RequestTarget.Read(context, connection);
        var attempt = new Attempt
        {
            Via = connection.Via,
            To = connection.To ?? target.Authority,
            Opening = Opening.Http,
            Authority = target.Authority,
            IsApproved = connection.Approved == (connection.To ?? target.Authority),
        };
        var denial = connection.Denial != Denial.None ? connection.Denial : target.Denial;
        var decision = denial != Denial.None
            ? Decision.Deny(denial, attempt)
            : await checkpoint.DecideAsync(connection.Session, attempt, token => AbortedAsync(context, token), connection.Session.Ended);
        if (decision is { IsAllowed: true, Rule.Ask: true })
            connection.Approved = attempt.To;
        var subject = $"{context.Request.Method} http://{target.Authority}{target.Path}";
        var passage = checkpoint.Record(connection.Session, Checkpoint.Request, subject, attempt, decision, connection.Dialled);
        if (passage.IsOpen)
            await ForwardAsync(context, connection, attempt, passage, target);
        else
            await AnswerAsync(context, Problem.Of(passage.Decision, attempt));
    }

    private static async Task AbortedAsync(HttpContext context, CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, cancellationToken);
        await Task.Delay(Timeout.Infinite, either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task ForwardAsync(HttpContext context, AgentConnection connection, Attempt attempt, Passage passage, RequestTarget target)
    {
        var started = time.GetTimestamp();
        var exchange = new CountedExchange(context);
        var outcome = "failed";
        try
        {
            var transformer = new PlainTransformer(attempt.To, passage.Decision.Rule!, target.PathAndQuery);
            var error = await forwarder.SendAsync(
                context, PlainTransformer.Prefix(attempt.To), connection.Upstream, _forwarding, transformer, connection.Session.Ended);
            outcome = error == ForwarderError.None ? "completed" : error.ToString();
            if (error != ForwarderError.None && !context.Response.HasStarted)
            {
                var failure = FailureOf(error, context.Features.Get<IForwarderErrorFeature>()?.Exception);
                outcome = UpstreamFailureText.Word(failure);
                await AnswerAsync(context, Problem.Of(failure, attempt.To));
            }
        }
        finally
        {
            checkpoint.End(connection.Session, passage, exchange.Sent, exchange.Received, time.GetElapsedTime(started), outcome);
        }
    }

    private static UpstreamFailure FailureOf(ForwarderError error, Exception? exception)
    {
        for (; exception is not null; exception = exception.InnerException)
        {
            if (exception is DialException dial)
                return dial.Failure;
        }

        return error is ForwarderError.RequestTimedOut or ForwarderError.UpgradeActivityTimeout ? UpstreamFailure.TimedOut : UpstreamFailure.Broken;
    }

    private static Task AnswerAsync(HttpContext context, Problem problem)
    {
        context.Response.Clear();
        context.Response.StatusCode = problem.Status;
        context.Response.ContentType = Problem.MediaType;
        context.Response.Headers.CacheControl = "no-store";
        // After a head that can be read in two ways, nobody knows where the next one begins.
        if (problem.Status == StatusCodes.Status400BadRequest)
            context.Response.Headers.Connection = "close";
        var body = problem.ToUtf8();
        context.Response.ContentLength = body.Length;
        return HttpMethods.IsHead(context.Request.Method) ? Task.CompletedTask : context.Response.Body.WriteAsync(body).AsTask();
    }
}
