using System;
using System.CommandLine;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Management.BrickAdmin;
using Myrmex.Runtime.Linux;

namespace Myrmex.Host;

/// <summary>
/// <c>myrmex brick-ask</c>: puts one question to the brick process of this node and prints the answer, both in
/// JSON; for
/// diagnosis where no daemon runs. Metrics and other plain texts are printed as they are with <c>--text</c>.
/// </summary>
internal static class BrickAskCommand
{
    private static readonly Argument<string> Question = new("QUESTION")
    {
        Description = """for example '{"question":"Clients","brick":"/data/b1"}'""",
    };

    private static readonly Option<string?> Socket = new("--socket")
    {
        Description = "socket of the brick process; that of this node's daemon by default",
    };

    private static readonly Option<bool> Text = new("--text") { Description = "print only the text of the answer" };

    public static Command Entry { get; } = new("brick-ask", "ask the brick process of this node (JSON)", Run);

    private static int Run(string[] args)
    {
        var root = new RootCommand("Asks the brick process of this node.") { Question, Socket, Text };
        root.SetAction(AskAsync);
        return root.Parse(args).Invoke();
    }

    private static async Task<int> AskAsync(ParseResult options, CancellationToken cancellation)
    {
        try
        {
            var request = JsonSerializer.Deserialize(
                options.GetRequiredValue(Question), BrickAdminJson.Default.BrickRequest);
            var socket = options.GetValue(Socket) ?? BrickAdminProgram.SocketOf(HostPaths.WorkingDirectory);
            using var runtime = new LinuxRuntime(new LinuxRuntimeOptions { Name = "ask", Reactors = 1, Workers = 1 });
            var answer = await new LocalBrickAdmin(runtime.Seams, socket).AskAsync(
                request ?? throw new JsonException("the question is empty"), cancellation);
            Console.Out.WriteLine(options.GetValue(Text)
                ? answer.Text : JsonSerializer.Serialize(answer, BrickAdminJson.Default.BrickAnswer));
            return 0;
        }
        catch (Exception e) when (e is BrickAdminException or JsonException)
        {
            await Console.Error.WriteLineAsync($"myrmex brick-ask: {e.Message}");
            return 1;
        }
    }
}
