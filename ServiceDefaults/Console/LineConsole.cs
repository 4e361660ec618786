using Microsoft.Extensions.Configuration.Memory;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace Gatehouse.ServiceDefaults.Console;

/// <summary>The console log: one line a message, at levels that a person can read along with.</summary>
internal static class LineConsole
{
    /// <summary>What each request and each retry says about itself is noise on a console, and has its place in the telemetry.</summary>
    private static readonly Dictionary<string, string?> s_levels = new()
    {
        ["Logging:LogLevel:Default"] = "Information",
        ["Logging:LogLevel:Microsoft.AspNetCore"] = "Warning",
        ["Logging:LogLevel:System.Net.Http"] = "Warning",
        ["Logging:LogLevel:Polly"] = "Error",
    };

    public static void AddLineConsole(this IHostApplicationBuilder builder)
    {
        // First in the list, so that any configuration of the person's own wins.
        builder.Configuration.Sources.Insert(0, new MemoryConfigurationSource { InitialData = s_levels });
        builder.Logging.AddConsole(options => options.FormatterName = LineFormatter.FormatterName);
        builder.Services.AddSingleton<ConsoleFormatter>(_ => new LineFormatter(TimeProvider.System, colour: !System.Console.IsOutputRedirected));
    }
}
