using Gatehouse.Gate;
using Gatehouse.LogSink.Access;
using Gatehouse.LogSink.Asks;
using Gatehouse.LogSink.Chain;
using Gatehouse.LogSink.Console;
using Gatehouse.LogSink.Console.Access;
using Gatehouse.LogSink.Discovery;
using Gatehouse.LogSink.Export;
using Gatehouse.LogSink.Forwarding;
using Gatehouse.LogSink.Ingest;
using Gatehouse.LogSink.Live;
using Gatehouse.LogSink.Notifications;
using Gatehouse.LogSink.Otlp;
using Gatehouse.LogSink.Query;
using Gatehouse.LogSink.Store;
using Gatehouse.ServiceDefaults;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Options;

namespace Gatehouse.LogSink;

/// <summary>The log sink as a whole, ready to start.</summary>
internal static class LogSinkApplication
{
    /// <summary>
    /// Kestrel cuts the connection at its own limit, often before the sender has read the 413. What is only somewhat too large is therefore refused
    /// by <see cref="EventLines"/>, and the rest of it read and dropped.
    /// </summary>
    private const long MostBody = 2 * EventLines.MostBody;

    /// <param name="args">The command line: configuration.</param>
    /// <param name="time">Another clock than the system's.</param>
    public static WebApplication Build(string[] args, TimeProvider? time = null)
    {
        var builder = Defaults.CreateBuilder(args);
        // A collector named to every service alike may be this one, which would then report on its reports for ever.
        if (OwnExports.AreOf(builder.Configuration))
            builder.Configuration[OwnExports.Key] = "";
        builder.AddServiceDefaults();
        GrpcEndpoints.Listen(builder);
        UnixSocket.RemoveStale(builder.Configuration["urls"]);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = MostBody;
            // Gates, command lines and followers; not a server for the world.
            kestrel.Limits.MaxConcurrentConnections = 512;
        });
        AddServices(builder);
        builder.AddConsole();
        builder.Services.AddSingleton(time ?? TimeProvider.System);
        var app = builder.Build();
        app.UseConsole();
        app.UseMiddleware<RequestGuard>();
        app.MapDefaultEndpoints();
        MapEndpoints(app);
        return app;
    }

    private static void AddServices(WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<LogSinkOptions>()
            .BindConfiguration(LogSinkOptions.Section)
            .Configure<IConfiguration>((options, configuration) => options.Token = configuration[LogSinkOptions.TokenKey] ?? "")
            .PostConfigure(SetPaths)
            .ValidateOnStart();
        builder.Services.AddSingleton<IValidateOptions<LogSinkOptions>, LogSinkOptionsValidation>();
        if (!builder.Configuration.GetValue<bool>($"{LogSinkOptions.Section}:{nameof(LogSinkOptions.AllowRemote)}"))
            builder.Services.AddSingleton<IConnectionListenerFactory, LoopbackOnly>();
        builder.Services.AddSingleton<SinkMetrics>();
        builder.Services.AddSingleton(services => new EventDatabase(services.GetRequiredService<IOptions<LogSinkOptions>>().Value.Database));
        builder.Services.AddSingleton<HeadSignal>();
        builder.Services.AddSingleton(services => services.GetRequiredService<IOptions<LogSinkOptions>>().Value.Checkpoints);
        builder.Services.AddSingleton<EventStore>();
        builder.Services.AddSingleton<RecordExport>().AddSingleton<ExportEndpoint>().AddSingleton<Retention>();
        builder.Services.AddSingleton<EventWriter>();
        builder.Services.AddHostedService(services => services.GetRequiredService<EventWriter>());
        builder.Services.AddSingleton<ForwardMetrics>().AddSingleton<ForwardingService>();
        builder.Services.AddHostedService(services => services.GetRequiredService<ForwardingService>());
        builder.Services.AddHostedService<Notifier>();
        builder.Services.AddSingleton<SpanStore>().AddSingleton<SpanIntake>().AddSingleton<TraceEndpoints>().AddSingleton<GrpcEndpoints>();
        builder.Services.AddHealthChecks().AddCheck<StoreHealth>("store").AddCheck<ForwardingService>("forward");
        builder.Services.AddHostedService<AddressFile>();
        builder.Services.AddSingleton<EventIngest>();
        builder.Services.AddSingleton<EventsEndpoint>();
        builder.Services.AddSingleton<EventStream>();
        builder.Services.AddSingleton<SessionsEndpoint>();
        builder.Services.AddSingleton<Verifications>().AddSingleton<VerifyEndpoint>();
        builder.Services.AddSingleton<KeyEndpoint>();
        builder.Services.AddSingleton<AskRecord>().AddSingleton<PolicyFiles>().AddSingleton<AskBoard>().AddSingleton<AskEndpoints>();
    }

    private static void SetPaths(LogSinkOptions options)
    {
        if (options.Database.Length == 0)
            options.Database = Path.Combine(StateDirectory.Open().Path, "log", "events.db");
        if (options.AddressFile.Length == 0)
            options.AddressFile = Path.Combine(RunDirectory.Open().Path, "log-sink.json");
    }

    private static void MapEndpoints(WebApplication app)
    {
        // As plain request delegates: nothing is compiled while starting.
        app.MapPost("/events", app.Services.GetRequiredService<EventIngest>().HandleAsync);
        app.MapGet("/events", app.Services.GetRequiredService<EventsEndpoint>().HandleAsync);
        app.MapGet("/events/stream", app.Services.GetRequiredService<EventStream>().HandleAsync);
        app.MapGet("/sessions", app.Services.GetRequiredService<SessionsEndpoint>().HandleAsync);
        app.MapGet("/key", app.Services.GetRequiredService<KeyEndpoint>().HandleAsync);
        app.MapGet("/export", app.Services.GetRequiredService<ExportEndpoint>().HandleAsync);
        app.MapGet("/verify", app.Services.GetRequiredService<VerifyEndpoint>().HandleAsync);
        app.Services.GetRequiredService<AskEndpoints>().Map(app);
        app.Services.GetRequiredService<TraceEndpoints>().Map(app);
        app.Services.GetRequiredService<GrpcEndpoints>().Map(app);
        app.MapPost(ConsoleGate.Links, app.Services.GetRequiredService<LinkEndpoint>().HandleAsync);
    }
}
