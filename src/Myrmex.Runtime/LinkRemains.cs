namespace Myrmex.Runtime;

/// <summary>What there is of a link besides its socket.</summary>
/// <param name="Descriptor">The socket, which stays the link's.</param>
/// <param name="Input">Bytes that have been received and are not cut into frames yet.</param>
/// <param name="Output">Bytes that the kernel has not taken yet.</param>
public sealed record LinkRemains(int Descriptor, byte[] Input, byte[] Output);
