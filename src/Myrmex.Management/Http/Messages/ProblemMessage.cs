using System.Text.Json.Serialization;

namespace Myrmex.Management.Http;

/// <summary>
/// Why a request was not done, as <c>application/problem+json</c>. Source: RFC 9457; <c>advice</c> is our extension.
/// </summary>
/// <param name="Type">One of <see cref="Problems"/>: stable, for programs.</param>
/// <param name="Title">The same for every problem of a type.</param>
/// <param name="Status">The HTTP status code.</param>
/// <param name="Detail">This case, for people.</param>
/// <param name="Advice">What to do about it, or null.</param>
public sealed record ProblemMessage(string Type, string Title, int Status, string Detail, string? Advice);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(ProblemMessage))]
public sealed partial class ProblemMessageJson : JsonSerializerContext;
