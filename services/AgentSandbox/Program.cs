using System.Globalization;
using Gatehouse.AgentSandbox.CommandLine;
using Gatehouse.AgentSandbox.Enclosure;

// The same program in two places: at the caller's terminal, and for a moment inside an enclosure's namespaces, before the agent.
return args is [Keeper.Argument, var channel, var launcher]
    ? Keeper.Run(int.Parse(channel, CultureInfo.InvariantCulture), int.Parse(launcher, CultureInfo.InvariantCulture))
    : GatehouseCommand.Run(args);
