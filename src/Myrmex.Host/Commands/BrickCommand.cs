namespace Myrmex.Host;

/// <summary><c>myrmex brick</c>: serves all bricks of a node on one port.</summary>
internal static class BrickCommand
{
    public static Command Entry { get; } = new(
        "brick", "serve the bricks of this node (started by the daemon)",
        args => new ServingCommand("brick", "--bricks", ServedBrick.Start).Run(args));
}
