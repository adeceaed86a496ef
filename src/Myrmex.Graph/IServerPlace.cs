namespace Myrmex.Graph;

/// <summary>A translator whose fops go to a server, and that knows where this is.</summary>
public interface IServerPlace
{
    /// <summary>It is on this machine, as far as the present connection shows. Any thread; does not block.</summary>
    bool IsOnThisMachine { get; }
}
