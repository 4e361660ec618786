using System.Globalization;
using Gatehouse.EnclosureInit;

// 'wait': the first process of the agent's container. 'network N' and 'network-at PATH': makes the container's network and sockets, for the
// launcher at the other end of descriptor N, or of the socket at PATH. 'connections N': only makes sockets, one for each request.
return args switch
{
    ["wait"] => FirstProcess.Run(),
    ["network", var descriptor] => NetworkMaker.Run(int.Parse(descriptor, CultureInfo.InvariantCulture)),
    ["network-at", var path] => NetworkMaker.Run(path),
    ["connections", var descriptor] => NetworkMaker.Serve(int.Parse(descriptor, CultureInfo.InvariantCulture)),
    _ => 64,
};
