using BenchmarkDotNet.Running;
using Gatehouse.Benchmarks;

// 'startup [ROUNDS]' times whole commands side by side; everything else is BenchmarkDotNet's (--filter '*').
if (args is ["startup", ..])
    return await StartUp.RunAsync(args.Length > 1 ? int.Parse(args[1], System.Globalization.CultureInfo.InvariantCulture) : 20);
BenchmarkSwitcher.FromAssembly(typeof(StartUp).Assembly).Run(args);
return 0;
