using System.Collections.Generic;
using Myrmex.Base;

namespace Myrmex.Cluster.Dht;

/// <summary>What earlier runs of a change have left behind, as the subvolumes tell it.</summary>
internal sealed class Past
{
    private readonly List<(Subvolume At, uint Label, byte[] Note)> _steps = [];
    private readonly HashSet<Subvolume> _unheard = [];

    /// <summary>A subvolume may have forgotten steps.</summary>
    public bool IsUncertain { get; set; }

    /// <summary>The last attempt of which a step is known; -1 for none.</summary>
    public int LastAttempt { get; private set; } = -1;

    public bool IsEmpty => _steps.Count == 0;

    public static uint LabelOf(int attempt, StepKind kind) => ((uint)attempt << 8) | (uint)kind;

    public void Add(Subvolume at, KnownStep step)
    {
        _steps.Add((at, step.Label, step.Note));
        LastAttempt = System.Math.Max(LastAttempt, (int)(step.Label >> 8));
    }

    /// <summary>A subvolume could not be asked: nobody knows what was done there.</summary>
    public void AddUnheard(Subvolume subvolume) => _unheard.Add(subvolume);

    public bool IsHeard(Subvolume? subvolume) => subvolume is null || !_unheard.Contains(subvolume);

    /// <summary>Where a step of the last attempt has been done; null when it has not.</summary>
    public Subvolume? Find(StepKind kind)
    {
        foreach (var (at, label, _) in _steps)
        {
            if (label == LabelOf(LastAttempt, kind))
            {
                return at;
            }
        }

        return null;
    }

    /// <summary>A step of the last attempt has been done there.</summary>
    public bool Has(StepKind kind, Subvolume at) =>
        _steps.Exists(s => s.At == at && s.Label == LabelOf(LastAttempt, kind));

    /// <summary>What the last attempt had planned; false when no step tells.</summary>
    public bool TryPlan(Subvolume[] subvolumes, out PlanNote note)
    {
        foreach (var (_, label, bytes) in _steps)
        {
            if (label >> 8 == LastAttempt && PlanNote.TryDecode(bytes, subvolumes, out note))
            {
                return true;
            }
        }

        note = default;
        return false;
    }
}
