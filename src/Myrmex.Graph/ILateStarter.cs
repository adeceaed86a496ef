namespace Myrmex.Graph;

/// <summary>
/// What is below is reached over the network: it serves from its first <see cref="GraphEventKind.ChildUp"/> on, and not
/// before, as something on the same machine does.
/// </summary>
public interface ILateStarter;
