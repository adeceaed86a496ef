using System;
using System.Linq;
using System.Text;
using Myrmex.Graph;
using Xunit;

namespace Myrmex.Unit.Tests.Graph;

/// <summary>The volume file grammar, as stock GlusterFS writes and reads it.</summary>
public sealed class VolfileTests
{
    private const string Stock = """
        # a comment
        volume demo-client-0
            type protocol/client
            option remote-subvolume /bricks/one
            option remote-host "server one"   # trailing
            OPTION ping-timeout 42
        end-volume

        volume demo-dht
            type cluster/distribute
            option lock-migration off
            subvolumes demo-client-0
        end-volume
        """;

    [Fact]
    public void BlocksOptionsAndSubvolumesAreRead()
    {
        var document = VolfileDocument.Parse(Stock);
        Assert.Equal(["demo-client-0", "demo-dht"], document.Blocks.Select(b => b.Name));
        Assert.Equal("protocol/client", document.Blocks[0].Type);
        Assert.Equal("server one", document.Blocks[0].Option("remote-host"));
        Assert.Equal("42", document.Blocks[0].Option("ping-timeout"));
        Assert.Equal(["demo-client-0"], document.Top.Subvolumes);
    }

    [Fact]
    public void WrittenTextParsesBackToTheSameBlocks()
    {
        var document = VolfileDocument.Parse(Stock);
        document.Blocks[0].With("odd", "a \"quoted\" \\ value # not a comment");
        var again = VolfileDocument.Parse(document.ToString());
        Assert.True(document.HasSameShape(again));
        Assert.Equal(document.Blocks[0].Options, again.Blocks[0].Options);
    }

    [Theory]
    [InlineData("", "no volume")]
    [InlineData("volume", "a volume name")]
    [InlineData("volume a\n type x\nend-volume", "category/kind")]
    [InlineData("volume a\n type x/y\n", "file ends")]
    [InlineData("volume a\n type x/y\n option k\nend-volume", "line 3")]
    [InlineData("volume a\n type x/y\n subvolumes b\nend-volume", "not defined")]
    [InlineData("volume a\n type x/y\n subvolumes a\nend-volume", "not defined")]
    [InlineData("volume a\n type x/y\n subvolumes\nend-volume", "names none")]
    [InlineData("volume a\n type x/y\nend-volume\nvolume a\n type x/y\nend-volume", "twice")]
    [InlineData("volume a\n type x/y\n option k `date`\nend-volume", "backquote")]
    [InlineData("volume a\n type x/y\n option k \"open\nend-volume", "no end")]
    [InlineData("volume a\n type x/y\n option k \"es\\`caped\"\nend-volume", "backquote")]
    [InlineData("volume a\n type x/y\n option k \"two\\\nlines\"\nend-volume", "no end")]
    [InlineData("volume \"a b\"\n type x/y\nend-volume", "may be quoted")]
    [InlineData("brick a", "'volume' was expected")]
    public void WrongTextIsRefusedWithItsPlace(string text, string reason)
    {
        var error = Assert.Throws<GraphException>(() => VolfileDocument.Parse(text));
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void MutatedTextNeverCrashesTheParser()
    {
        var random = new Random(20260101);
        var iterations = int.Parse(
            Environment.GetEnvironmentVariable("MYRMEX_FUZZ_ITERATIONS") ?? "20000", System.Globalization.CultureInfo.InvariantCulture);
        for (var i = 0; i < iterations; i++)
        {
            var text = new StringBuilder(Stock);
            for (var changes = random.Next(1, 8); changes > 0; changes--)
            {
                var at = random.Next(text.Length);
                _ = random.Next(3) switch
                {
                    0 => text.Remove(at, Math.Min(random.Next(1, 20), text.Length - at)),
                    1 => text.Insert(at, (char)random.Next(1, 300)),
                    _ => text.Insert(at, text.ToString(at, Math.Min(random.Next(40), text.Length - at))),
                };
            }

            try
            {
                VolfileDocument.Parse(text.ToString());
            }
            catch (GraphException)
            {
                // A clear refusal is the other good outcome.
            }
        }
    }
}
