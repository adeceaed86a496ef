using System.IO;
using System.Text;
using Myrmex.Runtime;
using Xunit;

namespace Myrmex.Unit.Tests.Debug;

/// <summary>A log that cannot be written loses lines, and nobody notices.</summary>
[Collection("log")]
public sealed class LogTests
{
    [Fact]
    public void AFullDiskCostsLinesAndNothingElse()
    {
        using var stream = new FullStream();
        using var writer = new StreamWriter(stream);
        Log.WriteTo(writer);
        try
        {
            stream.IsFull = true;
            for (var i = 0; i < 1000; i++)
            {
                Log.Error("test", "is lost");
            }

            stream.IsFull = false;
            Log.Error("test", "is written");
        }
        finally
        {
            Log.WriteTo(null);
        }

        Assert.Contains("E test: is written", Encoding.UTF8.GetString(stream.ToArray()), System.StringComparison.Ordinal);
    }

    private sealed class FullStream : MemoryStream
    {
        public bool IsFull { get; set; }

        public override void Write(byte[] buffer, int offset, int count)
        {
            Check();
            base.Write(buffer, offset, count);
        }

        public override void Write(System.ReadOnlySpan<byte> buffer)
        {
            Check();
            base.Write(buffer);
        }

        private void Check()
        {
            if (IsFull)
            {
                throw new IOException("No space left on device");
            }
        }
    }
}
