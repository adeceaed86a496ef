using System.IO;
using System.Threading.Tasks;

namespace Myrmex.Management.CommandLine;

/// <summary>What a command reads and writes.</summary>
public sealed record CliTerminal(TextReader In, TextWriter Out, TextWriter Error)
{
    /// <summary>
    /// Asks and reads one line. Null when there is no line to read, so that an unattended command does nothing.
    /// </summary>
    public async Task<bool?> ConfirmAsync(string question)
    {
        while (true)
        {
            await Out.WriteAsync($"{question} (y/n) ");
            await Out.FlushAsync();
            var line = await In.ReadLineAsync();
            switch (line?.Trim().ToLowerInvariant())
            {
                case null:
                    await Out.WriteLineAsync();
                    return null;
                case "y" or "yes":
                    return true;
                case "n" or "no":
                    return false;
                default:
                    await Out.WriteLineAsync("Invalid input, please enter y/n");
                    break;
            }
        }
    }
}
