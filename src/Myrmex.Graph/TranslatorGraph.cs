using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Myrmex.Runtime;

namespace Myrmex.Graph;

/// <summary>
/// A built graph. <see cref="Start"/> goes from the leaves to the top, <see cref="Stop"/> the other way; in between fops may be sent
/// to <see cref="Top"/> from any thread.
/// </summary>
public sealed class TranslatorGraph
{
    private readonly List<Translator> _translators = [];
    private readonly Dictionary<string, TranslatorRegistration> _registrations;
    private int _started;
    private bool _isMixed; // A part of the options of a file that was not taken is in use.

    private readonly int _firstSlot;

    private TranslatorGraph(
        VolfileDocument document, IEnumerable<TranslatorRegistration> registrations, int firstSlot)
    {
        Document = document;
        _firstSlot = firstSlot;
        _registrations = registrations.ToDictionary(r => r.Type, StringComparer.Ordinal);
    }

    /// <summary>The volume file the graph has now, options changed live included.</summary>
    public VolfileDocument Document { get; private set; }

    public IReadOnlyList<Translator> Translators => _translators;

    public Translator Top => _translators[^1];

    /// <summary>Number of slots an <see cref="Base.Fd"/> of this graph needs.</summary>
    public int SlotCount => _firstSlot + _translators.Count;

    /// <summary>
    /// Builds all translators. Throws <see cref="GraphException"/> for an unknown type, a wrong number of subvolumes or a
    /// bad option value.
    /// </summary>
    /// <param name="topListener">Hears the events that pass the top; may be called on any thread.</param>
    /// <param name="firstSlot">
    /// <see cref="Translator.Slot"/> of the first translator: a graph below another one leaves the slots of that alone.
    /// </param>
    public static TranslatorGraph Build(
        VolfileDocument document,
        IEnumerable<TranslatorRegistration> registrations,
        Seams seams,
        GraphOrigin origin,
        Action<GraphEvent>? topListener = null,
        int firstSlot = 0)
    {
        var graph = new TranslatorGraph(document, registrations, firstSlot);
        var byName = new Dictionary<string, Translator>(StringComparer.Ordinal);
        foreach (var block in document.Blocks)
        {
            var registration = graph.RegistrationOf(block);
            var place = new TranslatorPlace
            {
                Name = block.Name,
                Type = block.Type,
                Slot = graph.SlotCount,
                Subvolumes = block.Subvolumes.ConvertAll(name => byName[name]),
                Options = OptionsOf(block, registration),
                Seams = seams,
                TopListener = topListener,
                Origin = origin,
            };
            var translator = registration.Create(place);
            byName.Add(block.Name, translator);
            graph._translators.Add(translator);
        }

        return graph;
    }

    /// <summary>Starts every translator; on a failure those started are stopped again and the exception goes on.</summary>
    public void Start()
    {
        try
        {
            foreach (var translator in _translators)
            {
                translator.Start();
                Interlocked.Increment(ref _started);
            }
        }
        catch
        {
            Stop();
            throw;
        }
    }

    /// <summary>Any thread, also twice: of several callers one stops the translators.</summary>
    public void Stop()
    {
        for (var i = Interlocked.Exchange(ref _started, 0) - 1; i >= 0; i--)
        {
            _translators[i].Stop();
        }
    }

    /// <summary>
    /// Takes a volume file of the same shape in place. False, with nothing or a part of the options taken, when a translator needs
    /// a new graph for its change. Throws <see cref="GraphException"/>, with nothing taken, for a value that is not acceptable.
    /// </summary>
    public bool TryReconfigure(VolfileDocument document)
    {
        if (!Document.HasSameShape(document))
        {
            return false;
        }

        var changes = new List<(Translator Translator, OptionValues Options)>();
        for (var i = 0; i < _translators.Count; i++)
        {
            var block = document.Blocks[i];
            if (_isMixed || !Document.Blocks[i].Options.SequenceEqual(block.Options))
            {
                changes.Add((_translators[i], OptionsOf(block, RegistrationOf(block))));
            }
        }

        _isMixed = true;
        if (!changes.TrueForAll(c => c.Translator.Reconfigure(c.Options)))
        {
            return false;
        }

        _isMixed = false;
        Document = document;
        return true;
    }

    /// <summary>State of all translators, top first, for people.</summary>
    public string Dump()
    {
        var dump = new StateDump();
        for (var i = _translators.Count - 1; i >= 0; i--)
        {
            dump.Section(_translators[i].Type, _translators[i].Name);
            foreach (var (key, value) in Document.Blocks[i].Options)
            {
                dump.Put("option." + key, key.Contains("password", StringComparison.Ordinal) ? "***" : value);
            }

            _translators[i].DumpState(dump);
        }

        return dump.ToString();
    }

    private static OptionValues OptionsOf(VolfileBlock block, TranslatorRegistration registration)
    {
        var given = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (key, value) in block.Options)
        {
            given[key] = value;
        }

        var options = new OptionValues(registration.Options, given);
        options.Validate(block.Name);
        return options;
    }

    private TranslatorRegistration RegistrationOf(VolfileBlock block)
    {
        if (!_registrations.TryGetValue(block.Type, out var registration))
        {
            throw new GraphException($"volume {block.Name}: type {block.Type} is not known");
        }

        var count = block.Subvolumes.Count;
        return count >= registration.SubvolumesMin && count <= registration.SubvolumesMax
            ? registration
            : throw new GraphException(
                $"volume {block.Name}: {block.Type} takes {registration.SubvolumesMin} to {registration.SubvolumesMax} subvolumes, not {count}");
    }
}
