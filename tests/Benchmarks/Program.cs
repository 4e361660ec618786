using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Gatehouse.Benchmarks;

// 'startup [ROUNDS]' times whole commands side by side; 'record [EVENTS]' loads the log sink;
// 'gates [SECONDS]' loads gates with and without a recorder; everything else is BenchmarkDotNet's (--filter '*').
if (args is ["startup", ..])
    return await StartUp.RunAsync(args.Length > 1 ? int.Parse(args[1], System.Globalization.CultureInfo.InvariantCulture) : 20);
if (args is ["record", ..])
    return await RecordLoad.RunAsync(args.Length > 1 ? int.Parse(args[1], System.Globalization.CultureInfo.InvariantCulture) : 1_000_000);
if (args is ["gates", ..])
    return await GateCost.RunAsync(args.Length > 1 ? int.Parse(args[1], System.Globalization.CultureInfo.InvariantCulture) : 4);
if (args is ["gate-host", var sink, var origin])
    return await GateProcess.HostAsync(sink, origin);
BenchmarkSwitcher.FromAssembly(typeof(StartUp).Assembly).Run(args, DefaultConfig.Instance.AddJob(Job.ShortRun.WithToolchain(InProcessEmitToolchain.Instance)));
return 0;
