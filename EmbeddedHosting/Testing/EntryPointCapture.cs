using System.Reflection;

namespace Aspire.Hosting.Testing;

/// <summary>Runs an AppHost's own entry point up to <c>Build()</c>, and takes the builder from there: tests see the topology that users run.</summary>
internal sealed class EntryPointCapture
{
    private static readonly AsyncLocal<EntryPointCapture?> s_current = new();
    private readonly TaskCompletionSource<DistributedApplicationBuilder> _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private EntryPointCapture(string[] arguments, string directory) => (Arguments, AppHostDirectory) = (arguments, directory);

    public static EntryPointCapture? Current => s_current.Value;

    public string[] Arguments { get; }

    public string AppHostDirectory { get; }

    public static Task<DistributedApplicationBuilder> RunAsync(Assembly assembly, string[] arguments)
    {
        var entry = assembly.EntryPoint ?? throw new InvalidOperationException($"{assembly.GetName().Name} has no entry point");
        var capture = new EntryPointCapture(arguments, DistributedApplication.AppHostDirectoryOf(assembly));
        new Thread(() =>
        {
            s_current.Value = capture;
            try
            {
                entry.Invoke(null, entry.GetParameters().Length == 0 ? [] : [Array.Empty<string>()]);
                capture._reached.TrySetException(new InvalidOperationException("the AppHost ended without building an application"));
            }
            catch (TargetInvocationException e) when (e.InnerException is ReachedException)
            {
                // As far as it should go.
            }
            catch (Exception e)
            {
                capture._reached.TrySetException(e.GetBaseException());
            }
        })
        { IsBackground = true }.Start();
        return capture._reached.Task;
    }

    /// <summary>Ends the entry point's thread here.</summary>
    public void Reach(DistributedApplicationBuilder builder)
    {
        _reached.TrySetResult(builder);
        throw new ReachedException();
    }

    private sealed class ReachedException : Exception;
}
