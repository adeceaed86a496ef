using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using Myrmex.Volumes;
using Xunit;

namespace Myrmex.Unit.Tests.Tidy;

/// <summary>The reference page of options is what the tables say. UPDATE=1 in the environment writes it anew.</summary>
public sealed class OptionsPageTests
{
    private const string Page = "docs/reference/options.md";

    [Fact]
    public void ThePageOfOptionsIsMadeFromTheTables()
    {
        var text = Render();
        if (Environment.GetEnvironmentVariable("UPDATE") == "1")
        {
            File.WriteAllText(Path.Combine(Repository.Root, Page), text);
        }

        Assert.Equal(text, Repository.Read(Page));
    }

    private static string Render()
    {
        var text = new StringBuilder(
            """
            # Volume options

            Made from the tables in `src/Myrmex.Volumes`; `UPDATE=1` with the test `OptionsPageTests` writes it anew. Keys, defaults
            and ranges are those of GlusterFS 10 where the meaning is the same.

            | Effect | What it means |
            |---|---|
            | works | What the text says. |
            | gluster-clients | Handed to GlusterFS clients, which honour it; our own client does not need it. |
            | none | Taken, so that scripts and option groups work, and changes nothing in this version: it tunes something that is done otherwise here, or is about copies that clients keep equal, which a journal does here. |
            | refused | Only the default is taken: whoever sets another value counts on something that is not there. |

            A volume whose copies are kept by a journal refuses `cluster.quorum-type fixed`, `cluster.quorum-count` and
            `storage.max-hardlinks`: it could not honour them.

            `user.*` takes any text and is kept for hooks and scripts. `volume set VOL group NAME` sets the options of a file
            `WORKING-DIRECTORY/groups/NAME` (a `key=value` a line), or of one that comes with the program
            (
            """);
        text.Length -= 1;
        text.Append(string.Join(", ", OptionGroups.BuiltIn.Select(g => $"`{g}`"))).Append("); all are set, or none.\n\n## Options of a volume\n\n");
        AppendTable(text, VolumeOptions.All);
        text.Append("\n## Options of all volumes\n\n`volume set all KEY VALUE`, `volume get all KEY`, `volume reset all KEY`.\n\n");
        AppendTable(text, ClusterOptions.All);
        return text.ToString();
    }

    private static void AppendTable(StringBuilder text, IReadOnlyList<VolumeOption> options)
    {
        text.Append("| Option | Default | Values | Effect | |\n|---|---|---|---|---|\n");
        foreach (var option in options)
        {
            text.Append(
                $"| `{option.Key}` | {option.Declaration.Default ?? "–"} | {option.RangeText} | {option.EffectText} | "
                + $"{option.Declaration.Help.Replace("|", "\\|")} |\n");
        }
    }
}
