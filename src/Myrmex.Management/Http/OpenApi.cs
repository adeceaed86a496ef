using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using System.Text.Json.Serialization.Metadata;
using System.Text.RegularExpressions;
using Microsoft.Net.Http.Headers;

namespace Myrmex.Management.Http;

/// <summary>
/// The interface description, made from the routes themselves, so that it cannot be wrong about them. Source: OpenAPI
/// 3.1.
/// </summary>
internal static partial class OpenApi
{
    public const string Path = "/v1/openapi.json";

    private const string Schemas = "#/components/schemas/";

    private static readonly JsonSchemaExporterOptions Exporter = new() { TreatNullObliviousAsNonNullable = true };

    public static JsonObject Describe(IReadOnlyList<Route> routes, string version)
    {
        var paths = new JsonObject();
        foreach (var group in routes.GroupBy(r => r.Pattern))
        {
            var path = new JsonObject();
            foreach (var route in group)
            {
                path[route.Method.ToLowerInvariant()] = Operation(route);
            }

            paths[group.Key] = path;
        }

        return new JsonObject
        {
            ["openapi"] = "3.1.0",
            ["info"] = new JsonObject { ["title"] = "Myrmex management", ["version"] = version },
            ["security"] = new JsonArray(new JsonObject { ["token"] = new JsonArray() }),
            ["paths"] = paths,
            ["components"] = new JsonObject
            {
                ["securitySchemes"] = new JsonObject
                {
                    ["token"] = new JsonObject { ["type"] = "http", ["scheme"] = "bearer" },
                },
                ["schemas"] = AllSchemas(routes),
            },
        };
    }

    private static JsonObject Operation(Route route)
    {
        var operation = new JsonObject
        {
            ["operationId"] = IdOf(route),
            ["summary"] = route.Summary,
            ["parameters"] = new JsonArray([.. Parameters(route)]),
            ["responses"] = Responses(route),
        };
        if (route.Body is not null)
        {
            var body = Content("What to do.", "application/json", route.Body);
            body["required"] = true;
            operation["requestBody"] = body;
        }

        if (route.IsOpen)
        {
            operation["security"] = new JsonArray();
        }

        return operation;
    }

    private static IEnumerable<JsonNode> Parameters(Route route)
    {
        foreach (Match match in Variable().Matches(route.Pattern))
        {
            yield return new JsonObject
            {
                ["name"] = match.Groups[1].Value,
                ["in"] = "path",
                ["required"] = true,
                ["schema"] = new JsonObject { ["type"] = "string" },
            };
        }

        foreach (var query in route.Queries)
        {
            yield return new JsonObject
            {
                ["name"] = query.Name,
                ["in"] = "query",
                ["description"] = query.Summary,
                ["schema"] = new JsonObject { ["type"] = query.Type },
            };
        }

        foreach (var (name, description) in Conditions(route))
        {
            yield return new JsonObject
            {
                ["name"] = name,
                ["in"] = "header",
                ["description"] = description,
                ["schema"] = new JsonObject { ["type"] = "string" },
            };
        }
    }

    private static IEnumerable<(string Name, string Description)> Conditions(Route route)
    {
        if (route.IsConditional)
        {
            yield return (HeaderNames.IfMatch, "Only if the entity tag is one of these; * for any.");
            yield return (HeaderNames.IfNoneMatch, "Only if the entity tag is none of these.");
        }
        else if (route.IsTagged && route.Method == "GET")
        {
            yield return (HeaderNames.IfMatch, "412 unless the entity tag is one of these.");
            yield return (HeaderNames.IfNoneMatch, "304 if the entity tag is one of these.");
        }
    }

    private static JsonObject Responses(Route route)
    {
        var done = Content("Done.", route.AnswerType, route.Answer);
        var responses = new JsonObject { ["200"] = done };
        if (route.IsTagged)
        {
            done["headers"] = new JsonObject
            {
                [HeaderNames.ETag] = new JsonObject
                {
                    ["description"] = "Entity tag: another one after every change.",
                    ["schema"] = new JsonObject { ["type"] = "string" },
                },
            };
        }

        if (route.IsTagged && route.Method == "GET")
        {
            responses["304"] = new JsonObject { ["description"] = "It is what If-None-Match says." };
        }

        if (Conditions(route).Any())
        {
            responses["412"] = Problem("It is not what If-Match says; nothing was changed.");
        }

        responses["default"] = Problem("Not done, and why.");
        return responses;
    }

    private static JsonObject Problem(string description) => Content(
        description, Problems.ContentType, ProblemMessageJson.Default.ProblemMessage);

    private static JsonObject Content(string description, string media, JsonTypeInfo? type) => new()
    {
        ["description"] = description,
        ["content"] = new JsonObject
        {
            [media] = new JsonObject
            {
                ["schema"] = type is null
                    ? new JsonObject { ["type"] = media == "application/json" ? "object" : "string" }
                    : new JsonObject { ["$ref"] = Schemas + type.Type.Name },
            },
        },
    };

    private static JsonObject AllSchemas(IReadOnlyList<Route> routes)
    {
        var schemas = new JsonObject();
        var types = routes.SelectMany(r => new[] { r.Body, r.Answer })
            .Append(ProblemMessageJson.Default.ProblemMessage).OfType<JsonTypeInfo>().DistinctBy(t => t.Type)
            .OrderBy(t => t.Type.Name, StringComparer.Ordinal);
        foreach (var type in types)
        {
            var schema = type.GetJsonSchemaAsNode(Exporter);
            MoveReferences(schema, Schemas + type.Type.Name);
            schemas[type.Type.Name] = schema;
        }

        return schemas;
    }

    /// <summary>References inside a schema begin at its root, which is deeper in the whole.</summary>
    private static void MoveReferences(JsonNode? node, string root)
    {
        switch (node)
        {
            case JsonArray array:
                foreach (var item in array)
                {
                    MoveReferences(item, root);
                }

                break;
            case JsonObject value:
                if (value["$ref"] is JsonValue reference && reference.TryGetValue<string>(out var text))
                {
                    value["$ref"] = root + text[1..];
                }

                foreach (var (_, member) in value)
                {
                    MoveReferences(member, root);
                }

                break;
        }
    }

    /// <summary>"getVolumesNameStatus" for GET /v1/volumes/{name}/status.</summary>
    private static string IdOf(Route route) => route.Method.ToLowerInvariant() + string.Concat(
        Word().Matches(route.Pattern).Select(m => m.Value).Where(w => w != "v1")
            .Select(w => char.ToUpperInvariant(w[0]) + w[1..]));

    [GeneratedRegex(@"\{(\w+)\}")]
    private static partial Regex Variable();

    [GeneratedRegex(@"\w+")]
    private static partial Regex Word();
}
