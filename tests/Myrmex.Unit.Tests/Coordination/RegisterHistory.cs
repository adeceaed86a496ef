using System;
using System.Collections.Generic;
using System.Linq;

namespace Myrmex.Unit.Tests.Coordination;

/// <summary>One operation on a register as its caller saw it.</summary>
internal sealed record RegisterCall(int Client, RegisterKind Kind, int Expected, int Value)
{
    public long InvokedNs { get; init; }

    /// <summary>long.MaxValue when no answer came: it may take effect at any time after the call, or never.</summary>
    public long ReturnedNs { get; set; } = long.MaxValue;

    public int Read { get; set; }

    public bool Swapped { get; set; }

    /// <summary>It certainly has not taken effect.</summary>
    public bool Refused { get; set; }

    public bool IsKnown => ReturnedNs != long.MaxValue;

    public override string ToString() => Kind switch
    {
        RegisterKind.Read => $"{Client}: read = {(IsKnown ? Read : "?")} [{InvokedNs / 1000}, {ReturnedNs / 1000}]",
        RegisterKind.Write => $"{Client}: write {Value} [{InvokedNs / 1000}, {ReturnedNs / 1000}]",
        _ => $"{Client}: swap {Expected} for {Value} = {(IsKnown ? Swapped : "?")} [{InvokedNs / 1000}, {ReturnedNs / 1000}]",
    };
}

internal enum RegisterKind
{
    Read,
    Write,
    Swap,
}

/// <summary>
/// Whether a recorded history of one register could have come from a register that does one operation at a time, each
/// between its call and its answer. Source: Wing and Gong, Testing and Verifying Concurrent Objects, 1993; with a memory
/// of the states that led nowhere.
/// </summary>
internal static class RegisterHistory
{
    public static bool IsLinearizable(IReadOnlyList<RegisterCall> history)
    {
        // A read without an answer and a refused call tell nothing.
        var calls = history.Where(c => !c.Refused && (c.IsKnown || c.Kind != RegisterKind.Read))
            .OrderBy(c => c.InvokedNs).ToArray();
        return Search(calls, new ulong[(calls.Length + 63) / 64], register: 0, left: calls.Count(c => c.IsKnown), []);
    }

    private static bool Search(RegisterCall[] calls, ulong[] done, int register, int left, HashSet<string> hopeless)
    {
        if (left == 0)
        {
            return true;
        }

        var state = $"{string.Join('.', done)}={register}";
        if (hopeless.Contains(state))
        {
            return false;
        }

        var firstReturnNs = calls.Where((c, i) => !Has(done, i)).Min(c => c.ReturnedNs);
        for (var i = 0; i < calls.Length && calls[i].InvokedNs <= firstReturnNs; i++)
        {
            if (Has(done, i) || !Allows(calls[i], register, out var after))
            {
                continue;
            }

            done[i / 64] |= 1UL << (i % 64);
            if (Search(calls, done, after, left - (calls[i].IsKnown ? 1 : 0), hopeless))
            {
                return true;
            }

            done[i / 64] &= ~(1UL << (i % 64));
        }

        hopeless.Add(state);
        return false;
    }

    private static bool Has(ulong[] done, int i) => (done[i / 64] & (1UL << (i % 64))) != 0;

    private static bool Allows(RegisterCall call, int register, out int after)
    {
        switch (call.Kind)
        {
            case RegisterKind.Read:
                after = register;
                return call.Read == register;
            case RegisterKind.Write:
                after = call.Value;
                return true;
            default:
                var swaps = register == call.Expected;
                after = swaps ? call.Value : register;
                return !call.IsKnown || call.Swapped == swaps;
        }
    }
}
