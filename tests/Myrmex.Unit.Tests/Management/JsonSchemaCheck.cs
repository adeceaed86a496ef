using System.Collections.Generic;
using System.Linq;
using System.Text.Json.Nodes;

namespace Myrmex.Unit.Tests.Management;

/// <summary>Says where a value does not fit a schema: the part of JSON Schema that our description uses.</summary>
internal static class JsonSchemaCheck
{
    public static IEnumerable<string> Problems(JsonObject document, JsonNode? schema, JsonNode? value, string at = "$")
    {
        if (schema is JsonValue flag)
        {
            return flag.GetValue<bool>() ? [] : [$"{at}: nothing fits"];
        }

        var rules = schema!.AsObject();
        if (rules["$ref"]?.GetValue<string>() is { } reference)
        {
            return Problems(document, Find(document, reference), value, at);
        }

        var type = TypeOf(value);
        if (rules["type"] is { } types && !Names(types).Any(t => t == type || (t == "number" && type == "integer")))
        {
            return [$"{at}: is {type}, not {types.ToJsonString()}"];
        }

        return value switch
        {
            JsonObject members => Members(document, rules, members, at),
            JsonArray items => items.SelectMany((item, i) => Problems(document, rules["items"] ?? true, item, $"{at}[{i}]")),
            _ => [],
        };
    }

    private static IEnumerable<string> Members(JsonObject document, JsonObject rules, JsonObject members, string at)
    {
        foreach (var name in rules["required"]?.AsArray().Select(n => n!.GetValue<string>()) ?? [])
        {
            if (!members.ContainsKey(name))
            {
                yield return $"{at}.{name}: missing";
            }
        }

        foreach (var (name, member) in members)
        {
            var known = rules["properties"]?.AsObject().TryGetPropertyValue(name, out var rule) == true ? rule : null;
            var other = rules["additionalProperties"];
            if (known is null && other is null)
            {
                yield return $"{at}.{name}: not described";
                continue;
            }

            foreach (var problem in Problems(document, known ?? other, member, $"{at}.{name}"))
            {
                yield return problem;
            }
        }
    }

    private static JsonNode? Find(JsonObject document, string reference)
    {
        JsonNode? node = document;
        foreach (var part in reference.Split('/').Skip(1))
        {
            node = node is JsonArray array ? array[int.Parse(part)] : node?[part];
        }

        return node ?? throw new KeyNotFoundException(reference);
    }

    private static IEnumerable<string> Names(JsonNode types) =>
        types is JsonArray several ? several.Select(t => t!.GetValue<string>()) : [types.GetValue<string>()];

    private static string TypeOf(JsonNode? value) => value?.GetValueKind() switch
    {
        null or System.Text.Json.JsonValueKind.Null => "null",
        System.Text.Json.JsonValueKind.Object => "object",
        System.Text.Json.JsonValueKind.Array => "array",
        System.Text.Json.JsonValueKind.String => "string",
        System.Text.Json.JsonValueKind.Number => value.ToJsonString().Contains('.') ? "number" : "integer",
        _ => "boolean",
    };
}
