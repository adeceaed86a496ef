using System.Linq;
using System.Text;
using Myrmex.Graph;
using Myrmex.Runtime.Simulation;
using Xunit;

namespace Myrmex.Fuzz.Tests;

/// <summary>Goal: any text is either a volume file, and then its text form parses to the same, or refused with GraphException.</summary>
[Trait("Tier", "fuzz")]
public sealed class VolfileFuzzTests
{
    private const string Sample = """
        # made for a test
        volume vol-posix
            type storage/posix
            option directory "/bricks/one two"
            option volume-id 0123456789abcdef
        end-volume

        volume vol-locks
            type features/locks
            option mandatory-locking off
            subvolumes vol-posix
        end-volume

        VOLUME vol-server
            TYPE protocol/server
            option auth.addr.vol-locks.allow *
            option note "with \"quotes\" and \\ backslash"
            subvolumes vol-locks
        END-VOLUME
        """;

    private static readonly string[] Tokens =
        ["volume", "type", "option", "subvolumes", "end-volume", "\"", "\\", "#", "\n", "`", " ", "\t", "\0", "vol-posix", "/", "\u00e9", "\r"];

    [Fact]
    public void AnyTextIsParsedOrRefused() => FuzzRun.Run(
        nameof(AnyTextIsParsedOrRefused),
        smokeSeconds: 2,
        random =>
        {
            var text = random.Chance(0.5)
                ? Encoding.Latin1.GetString(
                    Mutator.Mutate(random, Encoding.Latin1.GetBytes(Sample), Encoding.Latin1.GetBytes(Sample)))
                : InsertTokens(random);
            VolfileDocument document;
            try
            {
                document = VolfileDocument.Parse(text);
            }
            catch (GraphException)
            {
                return;
            }

            var again = VolfileDocument.Parse(document.ToString());
            Assert.Equal(document.ToString(), again.ToString());
            Assert.Equal(document.Blocks.Select(b => (b.Name, b.Type)), again.Blocks.Select(b => (b.Name, b.Type)));
            Assert.Equal(document.Blocks.SelectMany(b => b.Options), again.Blocks.SelectMany(b => b.Options));
            Assert.Equal(document.Blocks.SelectMany(b => b.Subvolumes), again.Blocks.SelectMany(b => b.Subvolumes));
        });

    private static string InsertTokens(SimRandom random)
    {
        var text = Sample;
        for (var i = 1 + random.Below(5); i > 0; i--)
        {
            text = text.Insert(random.Below(text.Length + 1), Tokens[random.Below(Tokens.Length)]);
        }

        return text;
    }
}
