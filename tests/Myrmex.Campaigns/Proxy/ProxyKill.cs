namespace Myrmex.Campaigns;

/// <summary>How a proxy is lost.</summary>
internal enum ProxyKill
{
    /// <summary>kill -9 of the process; its daemon starts another one.</summary>
    Kill,

    /// <summary>SIGSTOP of the process: its connections stay, to clients and to bricks.</summary>
    Stop,

    /// <summary>The cable of its machine is pulled: both ways, nothing is told.</summary>
    Cut,

    /// <summary>Its machine is gone with all processes, and comes back switched off and on.</summary>
    Off,
}
