namespace Myrmex.Features.Outcomes;

/// <summary>Every bound of this translator.</summary>
internal static class OutcomeLimits
{
    /// <summary>Sessions that are known at once; changes of further ones are carried out, but not remembered.</summary>
    public const int SessionsMax = 1 << 16;

    /// <summary>Outcomes, of all sessions together.</summary>
    public const int OutcomesMax = 1 << 20;

    /// <summary>Bytes of all outcomes, about.</summary>
    public const long BytesMax = 256L << 20;

    /// <summary>Outcomes of one session: 16 steps for each of 1024 changes under way.</summary>
    public const int SessionOutcomesMax = 16 * 1024;

    /// <summary>Bytes that an outcome takes besides its dictionaries.</summary>
    public const int OutcomeBytes = 1024;

    /// <summary>How often sessions that nobody uses are looked for.</summary>
    public const long SweepNs = 60_000_000_000;

    /// <summary>By how much an age may be wrong: clocks do not tick alike.</summary>
    public const long SlackNs = 2_000_000_000;
}
