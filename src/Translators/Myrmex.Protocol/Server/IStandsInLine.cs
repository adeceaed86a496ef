using Myrmex.Runtime;

namespace Myrmex.Protocol;

/// <summary>What a client has asked for, and may have to wait for its turn: see <see cref="FopLine"/>.</summary>
internal interface IStandsInLine : IWork
{
    /// <summary>It is to wait, and must not hold the link's memory meanwhile.</summary>
    void StandInLine();

    /// <summary>As Run, unless nobody is there any more who would hear the answer.</summary>
    void RunUnlessGone();
}
