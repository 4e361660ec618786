using System.Net.Sockets;
using Gatehouse.Gate.Handover;

namespace Gatehouse.Gate.Native;

/// <summary>Descriptors that another process sent: closed on disposal, but for those that were taken out.</summary>
internal sealed class ReceivedDescriptors : IDisposable
{
    public const int Max = SessionHeader.MaxSockets;

    private readonly List<SafeSocketHandle> _handles = [];

    public int Count => _handles.Count;

    public SafeSocketHandle this[int index] => _handles[index];

    /// <summary>Takes ownership. False when there are more than <see cref="Max"/>.</summary>
    public bool Add(int descriptor)
    {
        _handles.Add(new SafeSocketHandle(descriptor, ownsHandle: true));
        return _handles.Count <= Max;
    }

    public void Dispose()
    {
        // A handle that a Socket took over is closed with the socket; closing it here again does no harm.
        foreach (var handle in _handles)
            handle.Dispose();
        _handles.Clear();
    }

    /// <summary>The sockets own the handles from now on.</summary>
    public void Release() => _handles.Clear();
}
