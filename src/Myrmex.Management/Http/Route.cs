using System.Collections.Generic;
using System.Text.Json.Serialization.Metadata;

namespace Myrmex.Management.Http;

/// <summary>A value after the question mark.</summary>
/// <param name="Type">JSON type of the value: string, boolean or integer.</param>
internal sealed record RouteQuery(string Name, string Type, string Summary);

/// <summary>One route: what the interface description says of it, and who may use it.</summary>
/// <param name="Pattern">With {name} for what varies.</param>
/// <param name="Body">What the request carries; null for nothing.</param>
/// <param name="Answer">What success carries; null when it is no JSON value.</param>
internal sealed record Route(
    string Method, string Pattern, string Summary, JsonTypeInfo? Body, JsonTypeInfo? Answer)
{
    private readonly List<RouteQuery> _queries = [];

    public IReadOnlyList<RouteQuery> Queries => _queries;

    /// <summary>Everyone may, without a token.</summary>
    public bool IsOpen { get; private set; }

    /// <summary>A change that is made only if If-Match and If-None-Match hold; others refuse these.</summary>
    public bool IsConditional { get; private set; }

    /// <summary>The answer has an entity tag.</summary>
    public bool IsTagged => Answer is not null && typeof(ITagged).IsAssignableFrom(Answer.Type);

    /// <summary>Media type of the answer.</summary>
    public string AnswerType { get; init; } = "application/json";

    public Route Flag(string name, string summary) => With(new RouteQuery(name, "boolean", summary));

    public Route Number(string name, string summary) => With(new RouteQuery(name, "integer", summary));

    public Route Text(string name, string summary) => With(new RouteQuery(name, "string", summary));

    public Route Open()
    {
        IsOpen = true;
        return this;
    }

    public Route Conditional()
    {
        IsConditional = true;
        return this;
    }

    private Route With(RouteQuery query)
    {
        _queries.Add(query);
        return this;
    }
}
