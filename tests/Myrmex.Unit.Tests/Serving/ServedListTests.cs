using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Myrmex.Graph;
using Myrmex.Host;
using Myrmex.Management.Bricks;
using Myrmex.Unit.Tests.Kit;
using Xunit;

namespace Myrmex.Unit.Tests.Serving;

/// <summary>What a process says that it has in hands, while it starts and stops what a list names.</summary>
public sealed class ServedListTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("myrmex-list").FullName;
    private readonly List<string> _seen = [];

    private string List => Path.Combine(_directory, "list");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void WhatIsStartedOrStoppedIsInHands()
    {
        var served = Make();
        Name("a");
        served.Reload();
        Name("b");
        served.Reload();
        Name();
        served.Reload();
        Assert.Equal(["start a, held a", "stop a, held a b", "start b, held a b", "stop b, held b"], _seen);
        Assert.Equal([], HeldList.Read(List)!);
    }

    [Fact]
    public void WhatCannotStartStaysInHands()
    {
        var served = Make(refused: "a");
        Name("a");
        Assert.Equal(1, served.Reload());
        Assert.Equal("a", Held());
    }

    private ServedList Make(string? refused = null) => new(
        "brick", List, TestPlace.Seams(new ManualTime()), (path, _, _) =>
        {
            var name = Path.GetFileName(path);
            _seen.Add($"start {name}, held {Held()}");
            return name == refused ? throw new GraphException("it does not")
                : new Served(() => _seen.Add($"stop {name}, held {Held()}"));
        });

    private string Held() => string.Join(' ', HeldList.Read(List)!.Select(p => Path.GetFileName(p)));

    /// <summary>Writes the list and its volume files.</summary>
    private void Name(params string[] names)
    {
        var paths = names.Select(n => Path.Combine(_directory, n)).ToList();
        paths.ForEach(p => File.WriteAllText(p, "volume a\n type storage/memory\nend-volume\n"));
        File.WriteAllLines(List, paths);
    }

    private sealed class Served(Action stopped) : IServed
    {
        public TranslatorGraph Door => null!; // Nobody asks for it.

        public bool TryChange(VolfileDocument document) => true;

        public void Stop() => stopped();

        public string Dump() => "";
    }
}
