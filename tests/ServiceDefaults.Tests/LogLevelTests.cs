using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Gatehouse.ServiceDefaults.Tests;

public sealed class LogLevelTests
{
    [Fact]
    public async Task Levels_ByDefault_KeepTheFrameworkQuiet()
    {
        await using var service = await TestService.StartAsync(builder => builder.Logging.AddProvider(new NoLog()));
        var loggers = service.Services.GetRequiredService<ILoggerFactory>();

        Assert.True(loggers.CreateLogger("Gatehouse.LogSink").IsEnabled(LogLevel.Information));
        Assert.False(loggers.CreateLogger("Microsoft.AspNetCore.Routing").IsEnabled(LogLevel.Information));
        Assert.False(loggers.CreateLogger("System.Net.Http.HttpClient.x").IsEnabled(LogLevel.Information));
    }

    [Fact]
    public async Task Levels_PersonAsksForMore_GetsIt()
    {
        await using var service = await TestService.StartAsync(
            builder => builder.Logging.AddProvider(new NoLog()), args: ["--Logging:LogLevel:Microsoft.AspNetCore=Debug"]);

        Assert.True(service.Services.GetRequiredService<ILoggerFactory>().CreateLogger("Microsoft.AspNetCore.Routing").IsEnabled(LogLevel.Debug));
    }

    private sealed class NoLog : ILoggerProvider, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
        }

        public void Dispose()
        {
        }
    }
}
