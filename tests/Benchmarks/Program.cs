using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Gatehouse.Benchmarks;

// 'startup [ROUNDS]' times whole commands side by side; 'record [EVENTS]' loads the log sink; 'gates [SECONDS]' gates with and without a recorder;
// 'console [EVENTS] [ROUNDS]' its pages in a browser; everything else is BenchmarkDotNet's (--filter '*').
if (args is ["startup", ..])
    return await StartUp.RunAsync(Number(1, 20));
if (args is ["record", ..])
    return await RecordLoad.RunAsync(Number(1, 1_000_000));
if (args is ["gates", ..])
    return await GateCost.RunAsync(Number(1, 4));
if (args is ["gate-host", var sink, var origin])
    return await GateProcess.HostAsync(sink, origin);
if (args is ["console", ..])
    return await ConsoleLoad.RunAsync(Number(1, 1_000_000), Number(2, 9));
BenchmarkSwitcher.FromAssembly(typeof(StartUp).Assembly).Run(args, DefaultConfig.Instance.AddJob(Job.ShortRun.WithToolchain(InProcessEmitToolchain.Instance)));
return 0;

int Number(int index, int otherwise) => args.Length > index ? int.Parse(args[index], System.Globalization.CultureInfo.InvariantCulture) : otherwise;
