using System.Net;
using Gatehouse.EgressProxy.Answers;
using Gatehouse.EgressProxy.Decisions;
using Gatehouse.EgressProxy.Doors;
using Gatehouse.EgressProxy.Upstream;
using Gatehouse.Gate.Kestrel;
using Yarp.ReverseProxy.Forwarder;

namespace Gatehouse.EgressProxy.Forwarding;

/// <summary>One plain HTTP request: each is decided on its own, whatever came before it on the connection.</summary>
internal sealed class ForwardEndpoint(Checkpoint checkpoint, IHttpForwarder forwarder, TimeProvider time)
{
    private static readonly ForwarderRequestConfig s_forwarding = new()
    {
        ActivityTimeout = TimeSpan.FromMinutes(10),
        AllowResponseBuffering = false,
        Version = HttpVersion.Version11,
        VersionPolicy = HttpVersionPolicy.RequestVersionExact,
    };

    public async Task InvokeAsync(HttpContext context)
    {
        var connection = (AgentConnection)context.Features.Get<ISessionFeature>()!;
        var target = RequestTarget.Read(context, connection);
        var attempt = new Attempt
        {
            Via = connection.To is null ? Way.ProxyHttp : connection.Via,
            To = connection.To ?? target.Authority,
            Opening = Opening.Http,
            Authority = target.Authority,
        };
        var denial = connection.Denial != Denial.None ? connection.Denial : target.Denial;
        var decision = denial != Denial.None ? Decision.Deny(denial, attempt) : EgressDecider.Decide(connection.Session.Policy.Egress, attempt);
        var passage = checkpoint.Record(connection.Session, Checkpoint.Request, Subject(context, target), attempt, decision, connection.Dialled);
        if (passage.IsOpen)
            await ForwardAsync(context, connection, attempt, passage, target);
        else
            await AnswerAsync(context, Problem.Of(passage.Decision, attempt));
    }

    private async Task ForwardAsync(HttpContext context, AgentConnection connection, Attempt attempt, Passage passage, RequestTarget target)
    {
        var started = time.GetTimestamp();
        var request = new CountingStream(context.Request.Body);
        var response = new CountingStream(context.Response.Body);
        (context.Request.Body, context.Response.Body) = (request, response);
        var outcome = "failed";
        try
        {
            var transformer = new PlainTransformer(attempt.To, passage.Decision.Rule!, target.PathAndQuery);
            var error = await forwarder.SendAsync(context, $"http://{attempt.To.UriHost}:{attempt.To.Port}", connection.Upstream, s_forwarding, transformer, connection.Session.Ended);
            outcome = error == ForwarderError.None ? "completed" : error.ToString();
            if (error != ForwarderError.None && !context.Response.HasStarted)
            {
                var failure = FailureOf(context.Features.Get<IForwarderErrorFeature>()?.Exception);
                outcome = UpstreamFailureText.Word(failure);
                await AnswerAsync(context, Problem.Of(failure, attempt.To));
            }
        }
        finally
        {
            checkpoint.End(connection.Session, passage, request.Count, response.Count, time.GetElapsedTime(started), outcome);
        }
    }

    private static UpstreamFailure FailureOf(Exception? exception)
    {
        for (; exception is not null; exception = exception.InnerException)
        {
            if (exception is DialException dial)
                return dial.Failure;
        }

        return UpstreamFailure.Broken;
    }

    private static string Subject(HttpContext context, RequestTarget target)
    {
        var query = target.PathAndQuery.IndexOf('?', StringComparison.Ordinal);
        return $"{context.Request.Method} http://{target.Authority}{(query < 0 ? target.PathAndQuery : target.PathAndQuery[..query])}";
    }

    private static Task AnswerAsync(HttpContext context, Problem problem)
    {
        context.Response.Clear();
        context.Response.StatusCode = problem.Status;
        context.Response.ContentType = Problem.MediaType;
        context.Response.Headers.CacheControl = "no-store";
        var body = problem.ToUtf8();
        context.Response.ContentLength = body.Length;
        return context.Request.Method == HttpMethods.Head ? Task.CompletedTask : context.Response.Body.WriteAsync(body).AsTask();
    }
}
