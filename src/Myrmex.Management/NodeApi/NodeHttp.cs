using System;
using System.Net;
using System.Net.Http;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Management.Http;

namespace Myrmex.Management.NodeApi;

/// <summary>How answers between daemons are read and refusals are told.</summary>
internal static class NodeHttp
{
    /// <summary>
    /// The body of an answer. Throws <see cref="CommandException"/> with the other side's words when it refused.
    /// </summary>
    public static async Task<T> ReadAsync<T>(
        HttpResponseMessage response, JsonTypeInfo<T> type, CancellationToken cancellation)
    {
        try
        {
            if (response.IsSuccessStatusCode)
            {
                return await response.Content.ReadFromJsonAsync(type, cancellation)
                    ?? throw new JsonException("the answer is empty");
            }

            var problem = await response.Content.ReadFromJsonAsync(
                ProblemMessageJson.Default.ProblemMessage, cancellation);
            throw new CommandException(
                FailureOf(response.StatusCode), problem?.Detail ?? response.StatusCode.ToString(), problem?.Advice);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or NotSupportedException)
        {
            throw new CommandException(
                CommandFailure.Failed, $"the answer is not understood (status {(int)response.StatusCode})");
        }
    }

    /// <summary>As of any command; to be nobody to the other node is a state of things, too.</summary>
    private static CommandFailure FailureOf(HttpStatusCode status) =>
        status is HttpStatusCode.Forbidden or HttpStatusCode.Unauthorized
            ? CommandFailure.Conflict : Problems.FailureOf(status);
}
