using System;
using System.Collections.Generic;
using System.Linq;
using Myrmex.Graph;
using Myrmex.Runtime;

namespace Myrmex.Unit.Tests.Kit;

/// <summary>Places for translators that are tested without a graph.</summary>
internal static class TestPlace
{
    public static Seams Seams(ManualTime time, int seed = 1) => new(time, new SeededRandom(seed), time, time, new NoNetwork());

    public static TranslatorPlace For(
        ManualTime time, TranslatorRegistration? registration = null, Translator? subvolume = null, int slot = 0,
        Action<GraphEvent>? listener = null, params (string Key, string Value)[] options) =>
        new()
        {
            Name = "test-" + (registration?.Type.Split('/')[^1] ?? "leaf"),
            Type = registration?.Type ?? "test/leaf",
            Slot = slot,
            Subvolumes = subvolume is null ? [] : [subvolume],
            Options = new OptionValues(
                registration?.Options ?? [], options.Select(o => KeyValuePair.Create(o.Key, o.Value))),
            Seams = Seams(time),
            TopListener = listener,
        };
}
