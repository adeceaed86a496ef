namespace Myrmex.Runtime.Linux;

/// <summary>Hears about a descriptor that is registered with a <see cref="Reactor"/>.</summary>
public interface IPollHandler
{
    /// <summary>Called on the reactor's thread with the ready EPOLL* bits. Must not block.</summary>
    void OnEvents(uint events);
}
