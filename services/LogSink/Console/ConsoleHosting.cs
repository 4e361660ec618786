using Gatehouse.LogSink.Console.Access;
using Gatehouse.LogSink.Console.Data;
using Gatehouse.LogSink.Console.Layout;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.Options;
using Microsoft.FluentUI.AspNetCore.Components;
using OpenTelemetry.Instrumentation.AspNetCore;
using OpenTelemetry.Logs;

namespace Gatehouse.LogSink.Console;

/// <summary>The console as a part of the sink: its services, and its branch of the pipeline.</summary>
internal static class ConsoleHosting
{
    public static void AddConsole(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        // Beside the program, whether it was built or published, and whoever runs it from wherever.
        var assets = Path.Combine(AppContext.BaseDirectory, "wwwroot");
        builder.Environment.WebRootFileProvider = Directory.Exists(assets) ? new PhysicalFileProvider(assets) : new NullFileProvider();
        services.AddRazorComponents().AddInteractiveServerComponents(circuits =>
        {
            // One person, a few tabs.
            circuits.DisconnectedCircuitMaxRetained = 8;
            circuits.DisconnectedCircuitRetentionPeriod = TimeSpan.FromMinutes(1);
            circuits.JSInteropDefaultCallTimeout = TimeSpan.FromSeconds(10);
            // A whole policy file is one message; the default of 32 KiB would end the page of whoever edits a larger one.
        }).AddHubOptions(hub => hub.MaximumReceiveMessageSize = 8 * 1024 * 1024);
        services.AddFluentUIComponents();
        // What is sealed for a browser lives as long as this process. The key ring that would be made on the disk when the host starts is nobody's.
        services.AddDataProtection().UseEphemeralDataProtectionProvider();
        foreach (var starter in services.Where(service => service.ServiceType == typeof(IHostedService) && service.ImplementationType?.Name == "DataProtectionHostedService").ToList())
            services.Remove(starter);
        KeepPathSecret(builder);
        services.AddOptions<ConsoleOptions>().BindConfiguration(ConsoleOptions.Section).ValidateOnStart();
        services.AddSingleton<IValidateOptions<ConsoleOptions>, ConsoleOptionsValidation>();
        services.AddSingleton<ConsoleAccess>().AddSingleton<LinkEndpoint>();
        services.AddSingleton<SessionQueries>().AddSingleton<Timeline>().AddSingleton<RuleUse>().AddSingleton<GatehouseCommand>().AddSingleton<ChangedFiles>().AddSingleton<AttemptTraces>().AddSingleton<PolicyDesk>();
    }

    // The path of the console and the key of a link are what keeps others out: they go to no collector and into no log.
    private static void KeepPathSecret(WebApplicationBuilder builder)
    {
        builder.Services.PostConfigure<AspNetCoreTraceInstrumentationOptions>(traces =>
        {
            var others = traces.Filter;
            traces.Filter = context => !context.Request.Path.StartsWithSegments("/console") && (others is null || others(context));
        });
        // Every message that is logged during a request has its path in the scope.
        builder.Services.PostConfigure<OpenTelemetryLoggerOptions>(logs => logs.IncludeScopes = false);
        // "Request starting …", and where it is routed to, for who asks for more than warnings.
        builder.Logging.AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.Warning).AddFilter("Microsoft.AspNetCore.Routing", LogLevel.Warning);
    }

    /// <summary>Before the guard of the sink's own interface: a browser has a cookie, and no token.</summary>
    public static void UseConsole(this WebApplication app)
    {
        app.UseMiddleware<ConsoleGate>();
        app.MapWhen(ConsoleGate.HasPassed, branch =>
        {
            // An address that is none has an answer of this console's too, not the browser's.
            branch.UseStatusCodePagesWithReExecute("/not-found");
            branch.UseStaticFiles(new StaticFileOptions { OnPrepareResponse = file => file.Context.Response.Headers.CacheControl = "no-cache" });
            branch.UseRouting();
            branch.UseAntiforgery();
            branch.UseEndpoints(endpoints => endpoints.MapRazorComponents<App>().AddInteractiveServerRenderMode(mode =>
            {
                mode.ContentSecurityFrameAncestorsPolicy = null;
                // What an agent sent and what only the person sees would be compressed together (CRIME).
                mode.DisableWebSocketCompression = true;
            }));
        });
    }
}
