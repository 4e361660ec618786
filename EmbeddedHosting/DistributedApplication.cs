using System.Runtime.InteropServices;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Execution;
using Aspire.Hosting.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting;

/// <summary>
/// The running application. This is the embedded host: it starts the projects as child processes and knows nothing that AppHost.cs does not use. With
/// Aspire itself (<c>-p:UseAspire=true</c>) the same AppHost.cs gets the dashboard and DCP.
/// </summary>
public class DistributedApplication : IHost, IAsyncDisposable
{
    private readonly Orchestrator _orchestrator;
    private readonly ServiceProvider _services;

    internal DistributedApplication(Orchestrator orchestrator, ServiceProvider services)
    {
        _orchestrator = orchestrator;
        _services = services;
        ResourceNotifications = new(orchestrator);
    }

    public IServiceProvider Services => _services;

    public ResourceNotificationService ResourceNotifications { get; }

    internal Orchestrator Orchestrator => _orchestrator;

    public static IDistributedApplicationBuilder CreateBuilder(string[] args) =>
        new DistributedApplicationBuilder(EntryPointCapture.Current is { } capture ? [.. args, .. capture.Arguments] : args)
        {
            AppHostDirectory = EntryPointCapture.Current?.AppHostDirectory ?? AppHostDirectoryOf(System.Reflection.Assembly.GetEntryAssembly()),
        };

    public virtual async Task StartAsync(CancellationToken cancellationToken = default)
    {
        await _orchestrator.StartAsync(cancellationToken);
    }

    public virtual Task StopAsync(CancellationToken cancellationToken = default) => _orchestrator.StopAsync();

    public virtual async Task RunAsync(CancellationToken cancellationToken = default)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, Stop);
        Console.Out.WriteLine("Embedded host; logs are below, the record is behind 'gatehouse log'. For the Aspire dashboard: dotnet run --project AppHost -p:UseAspire=true");
        await StartAsync(stop.Token);
        try
        {
            await _orchestrator.Ended.WaitAsync(stop.Token);
        }
        catch (OperationCanceledException)
        {
            // Asked to stop.
        }

        await StopAsync(CancellationToken.None);
        Environment.ExitCode = _orchestrator.ExitCode;

        void Stop(PosixSignalContext context)
        {
            context.Cancel = true;
            stop.Cancel();
        }
    }

    public void Run() => RunAsync().GetAwaiter().GetResult();

    public virtual void Dispose()
    {
        DisposeAsync().AsTask().GetAwaiter().GetResult();
        GC.SuppressFinalize(this);
    }

    public virtual async ValueTask DisposeAsync()
    {
        await _orchestrator.StopAsync();
        await _services.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    internal static string AppHostDirectoryOf(System.Reflection.Assembly? assembly) =>
        assembly?.GetCustomAttributes(typeof(System.Reflection.AssemblyMetadataAttribute), false).Cast<System.Reflection.AssemblyMetadataAttribute>()
            .FirstOrDefault(attribute => attribute.Key == "AppHostDirectory")?.Value ?? AppContext.BaseDirectory;
}
