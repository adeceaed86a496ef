using System.Collections.Generic;
using System.Linq;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace Myrmex.Management;

/// <summary>
/// What a caller says of the thing that it changes: the command is done only if that still holds. Source: RFC 9110,
/// If-Match and If-None-Match.
/// </summary>
/// <param name="Match">One of these must be its entity tag; null when the caller does not say.</param>
/// <param name="NoneMatch">None of these may be its entity tag; null when the caller does not say.</param>
internal sealed record Precondition(
    IReadOnlyList<EntityTagHeaderValue>? Match, IReadOnlyList<EntityTagHeaderValue>? NoneMatch)
{
    /// <summary>Null when the caller says nothing; throws <see cref="CommandException"/> for bad tags.</summary>
    public static Precondition? Read(StringValues match, StringValues noneMatch) =>
        match.Count == 0 && noneMatch.Count == 0 ? null
        : new Precondition(Read(HeaderNames.IfMatch, match), Read(HeaderNames.IfNoneMatch, noneMatch));

    /// <summary>The tags of a header; null when they are not understood.</summary>
    public static IReadOnlyList<EntityTagHeaderValue>? TryRead(StringValues header)
    {
        // Empty items are allowed in lists, and the parser takes a list of nothing else for one that is not there.
        var isRead = EntityTagHeaderValue.TryParseStrictList([.. header.OfType<string>()], out var tags);
        return isRead && tags!.Count > 0 && (tags.Count == 1 || !tags.Any(IsAny)) ? [.. tags] : null;
    }

    /// <summary>True when the header has this tag, weak or not, or means all there are.</summary>
    public static bool Contains(IReadOnlyList<EntityTagHeaderValue> tags, string tag) => tags.Any(
        t => IsAny(t) || t.Compare(EntityTagHeaderValue.Parse(tag), useStrongComparison: false));

    /// <summary>Whether it holds for something with this entity tag.</summary>
    public bool Holds(string tag) =>
        Match?.Any(t => IsAny(t) || t.Compare(EntityTagHeaderValue.Parse(tag), useStrongComparison: true)) != false
        && (NoneMatch is null || !Contains(NoneMatch, tag));

    /// <summary>Why the command is not done.</summary>
    /// <param name="what">"Volume demo".</param>
    public CommandException Failed(string what, string tag) => new(
        CommandFailure.Changed,
        NoneMatch is not null && Contains(NoneMatch, tag)
            ? $"{what} is what If-None-Match says that it should not be: its entity tag is {tag}; nothing was changed"
            : $"{what} is not what If-Match says, so it has changed meanwhile: its entity tag is now {tag}; nothing "
                + "was changed",
        "Read it again, and decide on what it is now.");

    private static bool IsAny(EntityTagHeaderValue tag) => tag.Equals(EntityTagHeaderValue.Any);

    private static IReadOnlyList<EntityTagHeaderValue>? Read(string name, StringValues header) =>
        header.Count == 0 ? null
        : TryRead(header) ?? throw new CommandException(
            CommandFailure.Invalid, $"{name} has no list of entity tags",
            $"An entity tag has quotes, as in '{name}: \"tag\"'; '{name}: *' means any.");
}
