using System;
using System.Globalization;
using System.IO;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Http;

namespace Myrmex.Management.Http;

/// <summary>
/// A request as a route sees it. Everything throws <see cref="CommandException"/> for what is not good.
/// </summary>
internal readonly struct RestRequest(HttpContext context)
{
    public HttpContext Context => context;

    /// <summary>The caller has gone. Commands that change something do not take it: they run to their end.</summary>
    public CancellationToken Aborted => context.RequestAborted;

    /// <summary>A part of the path that varies.</summary>
    public string Path(string name) => (string)context.Request.RouteValues[name]!; // The pattern has it.

    /// <summary>What the caller says of what it changes; null when it says nothing.</summary>
    public Precondition? Expected =>
        Precondition.Read(context.Request.Headers.IfMatch, context.Request.Headers.IfNoneMatch);

    /// <summary>The volume of the path, as the caller expects it.</summary>
    public VolumeTarget Volume => new(Path("name"), Expected);

    /// <summary>False when it is not given.</summary>
    public bool Flag(string name) => Text(name) switch
    {
        null or "false" => false,
        "true" => true,
        _ => throw new CommandException(CommandFailure.Invalid, $"{name} is neither true nor false"),
    };

    /// <summary>Null when it is not given.</summary>
    public long? Number(string name) =>
        Text(name) is not { } text ? null
        : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number
        : throw new CommandException(CommandFailure.Invalid, $"{name} is not a number");

    /// <summary>Null when it is not given.</summary>
    public string? Text(string name)
    {
        var values = context.Request.Query[name];
        return values.Count switch
        {
            0 => null,
            1 => values[0],
            _ => throw new CommandException(CommandFailure.Invalid, $"{name} is given {values.Count} times"),
        };
    }

    /// <summary>An item of a list or map in a body, which the deserializer lets be null.</summary>
    public static T NotNull<T>(string name, T? value)
        where T : class =>
        value ?? throw new CommandException(CommandFailure.Invalid, $"{name} has a null");

    /// <summary>The body, which must be JSON in UTF-8.</summary>
    public async Task<T> ReadAsync<T>(JsonTypeInfo<T> type)
    {
        var media = context.Request.ContentType?.Split(';')[0].Trim();
        if (!string.Equals(media, "application/json", StringComparison.OrdinalIgnoreCase))
        {
            throw new CommandException(
                CommandFailure.Invalid, "the request's body is not JSON", "Send 'Content-Type: application/json'.");
        }

        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted); // Kestrel limits its length.
        try
        {
            return JsonSerializer.Deserialize(body.GetBuffer().AsSpan(0, (int)body.Length), type)
                ?? throw new CommandException(CommandFailure.Invalid, "the request has no body");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw new CommandException(CommandFailure.Invalid, $"the request's body is not understood: {e.Message}");
        }
    }
}
