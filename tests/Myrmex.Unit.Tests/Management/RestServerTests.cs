using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Management;
using Myrmex.Management.CommandLine;
using Myrmex.Management.Http;
using Xunit;

namespace Myrmex.Unit.Tests.Management;

/// <summary>
/// The REST service over its real listeners, with prepared answers behind it: who may, what is answered to bad input,
/// and that the interface description is true.
/// </summary>
public sealed class RestServerTests : IAsyncLifetime
{
    private const string Token = "0123456789abcdef";

    private readonly string _root = Directory.CreateTempSubdirectory("myrmex-rest-").FullName;
    private readonly RestFakes _fakes = new();
    private readonly int _port = FreePort();
    private RestServer _server = null!; // Set by InitializeAsync.
    private HttpClient _client = null!; // Set by InitializeAsync.

    private DaemonOptions Options => new() { WorkingDirectory = _root, Executable = ["myrmex"], HttpPort = _port };

    private RestServices Nothing => new()
    {
        Daemon = () => new DaemonMessage("1.2.3", "id-1", "node1", 24007, 42),
        Volumes = _fakes,
        Scheduler = RealTime.Seams.Scheduler,
    };

    private RestServices Everything => Nothing with
    {
        AddBrick = _fakes,
        ReplaceBrick = _fakes,
        Peers = _fakes,
        BrickAdmin = _fakes,
        Rebalance = _fakes,
        ClusterOptions = _fakes,
        Events = _fakes,
        Tasks = _fakes,
        Volfile = (key, _) => key == "demo" ? "volume demo\nend-volume\n" : null,
        MetricSources = [new("daemon", _ => Task.FromResult("extra 1\n"))],
    };

    public Task InitializeAsync() => StartAsync(Everything);

    public async Task DisposeAsync()
    {
        _client.Dispose();
        await _server.DisposeAsync();
        Directory.Delete(_root, recursive: true);
    }

    [Fact]
    public async Task WithoutTheTokenNothingButHealthAndTheEmptyPageIsShown()
    {
        _client.DefaultRequestHeaders.Authorization = null;
        foreach (var route in _server.Routes)
        {
            using var answer = await SendAsync(route.Method, PathOf(route));
            var isOpen = route.Pattern is "/v1/health" or "/" or "/web/app.js" or "/web/style.css";
            var expected = isOpen ? HttpStatusCode.OK : HttpStatusCode.Unauthorized;
            Assert.True(expected == answer.StatusCode, $"{route.Method} {route.Pattern}: {answer.StatusCode}");
        }

        using var unknown = await SendAsync("GET", "/v1/nosuch");
        Assert.Equal(HttpStatusCode.Unauthorized, unknown.StatusCode);
        Assert.Equal("Bearer", unknown.Headers.WwwAuthenticate.ToString());
        _client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Token + "0");
        using var wrong = await SendAsync("GET", "/v1/volumes");
        Assert.Equal(HttpStatusCode.Unauthorized, wrong.StatusCode);
    }

    [Fact]
    public async Task ThePageIsTheSameForEveryoneAndTakesNothingFromElsewhere()
    {
        _client.DefaultRequestHeaders.Authorization = null;
        foreach (var path in new[] { "/", "/web/app.js", "/web/style.css" })
        {
            using var answer = await SendAsync("GET", path);
            var text = await answer.Content.ReadAsStringAsync();
            Assert.DoesNotContain(Token, text);
            Assert.DoesNotContain("innerHTML", text); // What comes from the cluster is text.
            Assert.DoesNotMatch("(src|href)=\"(?!/web/|data:)", text);
            Assert.StartsWith("default-src 'none'; ", answer.Headers.GetValues("Content-Security-Policy").Single());
        }

        using var program = await SendAsync("GET", "/web/app.js");
        foreach (Match asked in Regex.Matches(await program.Content.ReadAsStringAsync(), @"(?<!\.)get\([""`]([a-z]+)[""`/?]"))
        {
            Assert.Contains(_server.Routes, r => r.Pattern.StartsWith("/v1/" + asked.Groups[1].Value, StringComparison.Ordinal));
        }

        using var change = await SendAsync("POST", "/");
        Assert.Equal(HttpStatusCode.Unauthorized, change.StatusCode);
    }

    [Fact]
    public async Task AForeignNameInTheHostHeaderIsRefused()
    {
        _client.DefaultRequestHeaders.Host = "evil.example";
        using var answer = await SendAsync("GET", "/v1/health");
        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
    }

    [Fact]
    public async Task MetricsAreOpenOnlyWhenTheAdministratorSaysSo()
    {
        using (var told = await SendAsync("GET", "/metrics"))
        {
            var text = await told.Content.ReadAsStringAsync();
            Assert.Contains("myrmex_volume_started{volume=\"demo\"} 0\n", text);
            Assert.EndsWith("extra 1\n", text);
        }

        await RestartAsync(Everything with { AreMetricsOpen = true });
        _client.DefaultRequestHeaders.Authorization = null;
        using var open = await SendAsync("GET", "/metrics");
        Assert.Equal(HttpStatusCode.OK, open.StatusCode);
    }

    [Fact]
    public async Task EveryRouteIsDescribedAndAnswersAsDescribed()
    {
        var document = JsonNode.Parse(await _client.GetStringAsync(OpenApi.Path))!.AsObject();
        Assert.Equal("3.1.0", document["openapi"]!.GetValue<string>());
        foreach (var route in _server.Routes.Where(r => r.AnswerType == "application/json"))
        {
            var operation = document["paths"]![route.Pattern]![route.Method.ToLowerInvariant()];
            Assert.NotNull(operation);
            using var answer = await SendAsync(route.Method, PathOf(route), BodyOf(route));
            var text = await answer.Content.ReadAsStringAsync();
            Assert.True(answer.StatusCode == HttpStatusCode.OK, $"{route.Method} {route.Pattern}: {text}");
            if (route.Answer is not null)
            {
                var schema = operation["responses"]!["200"]!["content"]!["application/json"]!["schema"];
                Assert.Empty(JsonSchemaCheck.Problems(document, schema, JsonNode.Parse(text)));
            }

            if (route.Body is not null)
            {
                var schema = operation["requestBody"]!["content"]!["application/json"]!["schema"];
                Assert.Empty(JsonSchemaCheck.Problems(document, schema, JsonNode.Parse(BodyOf(route)!)));
            }
        }

        var described = document["paths"]!.AsObject().SelectMany(
            p => p.Value!.AsObject().Select(o => $"{o.Key.ToUpperInvariant()} {p.Key}"));
        Assert.Equal(_server.Routes.Select(r => $"{r.Method} {r.Pattern}").Order(), described.Order());
        var ids = document["paths"]!.AsObject().SelectMany(p => p.Value!.AsObject())
            .Select(o => o.Value!["operationId"]!.GetValue<string>()).ToList();
        Assert.Equal(ids.Count, ids.Distinct().Count());
    }

    [Theory]
    [InlineData("GET", "/v1/volumes/nosuch", null, 404, "not-found")]
    [InlineData("GET", "/v1/nosuch", null, 404, "not-found")]
    [InlineData("PATCH", "/v1/volumes", "{}", 405, "method-not-allowed")]
    [InlineData("POST", "/v1/volumes", "{", 400, "invalid-request")]
    [InlineData("POST", "/v1/volumes", "{}", 400, "invalid-request")]
    [InlineData("POST", "/v1/volumes", "null", 400, "invalid-request")]
    [InlineData("POST", "/v1/volumes", "{\"name\":null,\"bricks\":[]}", 400, "invalid-request")]
    [InlineData("POST", "/v1/volumes", "{\"name\":\"a/b\",\"bricks\":[]}", 400, "invalid-request")]
    [InlineData("POST", "/v1/volumes", "{\"name\":\"ok\",\"bricks\":[],\"forse\":true}", 400, "invalid-request")]
    [InlineData("POST", "/v1/volumes", "{\"name\":\"ok\",\"bricks\":[null]}", 400, "invalid-request")]
    [InlineData("POST", "/v1/volumes/demo/bricks", "{\"bricks\":[null]}", 400, "invalid-request")]
    [InlineData("PATCH", "/v1/peers/x", "{\"set\":{\"a\":null},\"remove\":[]}", 400, "invalid-request")]
    [InlineData("PUT", "/v1/volumes/demo/options", "{\"options\":[null]}", 400, "invalid-request")]
    [InlineData("PUT", "/v1/cluster/options", "{\"options\":[null]}", 400, "invalid-request")]
    [InlineData("PUT", "/v1/cluster/options", "{\"options\":[{\"key\":\"a.b\",\"value\":\"1\"}]}", 400, "invalid-request")]
    [InlineData("GET", "/v1/cluster/options/a.b", null, 404, "not-found")]
    [InlineData("GET", "/v1/volumes/demo/status?detail=maybe", null, 400, "invalid-request")]
    [InlineData("GET", "/v1/volumes/demo/status?detail=true&detail=true", null, 400, "invalid-request")]
    [InlineData("GET", "/v1/events?after=-1", null, 400, "invalid-request")]
    [InlineData("GET", "/v1/events?max=0", null, 400, "invalid-request")]
    [InlineData("POST", "/v1/volumes/demo/profile/frob", null, 400, "invalid-request")]
    [InlineData("POST", "/v1/volumes/demo/statedump?parts=frob", null, 400, "invalid-request")]
    [InlineData("POST", "/v1/volumes/demo/statedump?client=127.0.0.1:42&parts=mem", null, 400, "invalid-request")]
    [InlineData("POST", "/v1/volumes/demo/statedump?client=127.0.0.1", null, 400, "invalid-request")]
    [InlineData("POST", "/v1/volumes/demo/statedump?client=127.0.0.1:0", null, 400, "invalid-request")]
    [InlineData("POST", "/v1/volumes/demo/statedump?client=127.0.0.1:99999999999", null, 400, "invalid-request")]
    [InlineData("POST", "/v1/volumes/demo/statedump?client=:42", null, 400, "invalid-request")]
    [InlineData("POST", "/v1/volumes/demo/statedump?client=nosuch.invalid:42", null, 404, "not-found")]
    [InlineData("POST", "/v1/volumes/demo/statedump?client=127.0.0.1:43", null, 404, "not-found")]
    [InlineData("POST", "/v1/volumes/demo/clear-locks?kind=all&type=posix", null, 400, "invalid-request")]
    [InlineData("GET", "/v1/tasks/t9", null, 404, "not-found")]
    [InlineData("GET", "/v1/option-groups/nosuch", null, 404, "not-found")]
    [InlineData("GET", "/v1/volfiles/nosuch", null, 404, "not-found")]
    public async Task AProblemHasAStableType(string method, string path, string? body, int status, string type)
    {
        using var answer = await SendAsync(method, path, body);
        Assert.Equal(status, (int)answer.StatusCode);
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
        var problem = JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
        Assert.Equal("urn:myrmex:problem:" + type, problem["type"]!.GetValue<string>());
        Assert.Equal(status, problem["status"]!.GetValue<int>());
        Assert.NotEmpty(problem["detail"]!.GetValue<string>());
    }

    [Fact]
    public async Task WhatIsNotConnectedSaysSo()
    {
        await RestartAsync(Nothing);
        foreach (var path in new[] { "/v1/events", "/v1/tasks", "/v1/volumes/demo/clients", "/v1/volumes/demo/rebalance", "/v1/volfiles/demo" })
        {
            using var answer = await SendAsync("GET", path);
            Assert.Equal(HttpStatusCode.NotImplemented, answer.StatusCode);
        }

        using var peers = await SendAsync("GET", "/v1/peers");
        Assert.Equal(HttpStatusCode.OK, peers.StatusCode);
    }

    /// <summary>Whatever comes, the answer is never a mistake of ours, and always a problem with a type.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task BadInputIsNeverAMistakeOfOurs(int seed)
    {
        var random = new Random(seed);
        var socket = new HttpClient(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.FromSeconds(5) })
        {
            BaseAddress = _client.BaseAddress,
        };
        for (var i = 0; i < 300; i++)
        {
            var route = _server.Routes[random.Next(_server.Routes.Count)];
            if (route.AnswerType == "text/event-stream")
            {
                continue;
            }

            var address = _client.BaseAddress!.GetLeftPart(UriPartial.Authority) + OddPath(random, route);
            var request = new HttpRequestMessage(HttpMethod.Parse(OddMethod(random, route)), address);
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", Token);
            if (random.Next(4) > 0 && request.Method != HttpMethod.Get && request.Method != HttpMethod.Head)
            {
                request.Content = new ByteArrayContent(OddBody(random, route));
                request.Content.Headers.TryAddWithoutValidation("Content-Type", OddType(random));
            }

            if (random.Next(3) == 0)
            {
                var header = random.Next(2) == 0 ? "If-Match" : "If-None-Match";
                request.Headers.TryAddWithoutValidation(header, OddTags(random));
            }

            var what = $"seed {seed} number {i}: {request.Method} {request.RequestUri}";
            using var answer = await socket.SendAsync(request);
            Assert.True((int)answer.StatusCode < 500, $"{what}: {answer.StatusCode}");
            if ((int)answer.StatusCode >= 400 && answer.Content.Headers.ContentLength != 0 && request.Method != HttpMethod.Head)
            {
                Assert.True(
                    answer.Content.Headers.ContentType?.MediaType == Problems.ContentType,
                    $"{what}: {answer.StatusCode} {answer.Content.Headers.ContentType}");
            }
        }

        socket.Dispose();
        using var health = await SendAsync("GET", "/v1/health");
        Assert.Equal(HttpStatusCode.OK, health.StatusCode);
    }

    [Fact]
    public async Task ABodyThatIsTooLongIsRefused()
    {
        try
        {
            using var answer = await SendAsync("POST", "/v1/volumes", new string(' ', (1 << 20) + 1));
            Assert.Equal(HttpStatusCode.RequestEntityTooLarge, answer.StatusCode);
        }
        catch (HttpRequestException e) when (e.InnerException is System.IO.IOException)
        {
            // The refusal ends the connection, which a client that is still sending may see first.
        }

        using var next = await SendAsync("GET", "/v1/volumes");
        Assert.Equal(HttpStatusCode.OK, next.StatusCode);
    }

    [Fact]
    public void AVolumeHasOneCopyWhenTheRequestDoesNotSay() => Assert.Equal(
        1,
        System.Text.Json.JsonSerializer.Deserialize(
            "{\"name\":\"demo\",\"bricks\":[\"h:/b\"]}", VolumeMessageJson.Default.CreateMessage)!.ReplicaCount);

    [Fact]
    public async Task AnUnchangedVolumeIsNotSentAgain()
    {
        using var first = await SendAsync("GET", "/v1/volumes/demo");
        var tag = first.Headers.ETag!;
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/volumes/demo");
        request.Headers.IfNoneMatch.Add(tag);
        using var again = await _client.SendAsync(request);
        Assert.Equal(HttpStatusCode.NotModified, again.StatusCode);
        using var other = new HttpRequestMessage(HttpMethod.Get, "/v1/volumes/demo");
        other.Headers.IfNoneMatch.Add(new EntityTagHeaderValue("\"other\""));
        using var changed = await _client.SendAsync(other);
        Assert.Equal(HttpStatusCode.OK, changed.StatusCode);
    }

    [Theory]
    [InlineData("If-None-Match", "W/TAG", 304)]
    [InlineData("If-None-Match", "\"a,b\", TAG", 304)]
    [InlineData("If-None-Match", "*", 304)]
    [InlineData("If-None-Match", "TAG-not", 200)]
    [InlineData("If-None-Match", "\"", 200)]
    [InlineData("If-Match", "TAG", 200)]
    [InlineData("If-Match", "\"other\"", 412)]
    public async Task ALookIsAnsweredAsItsConditionSays(string header, string value, int status)
    {
        foreach (var path in new[] { "/v1/volumes/demo", "/v1/volumes/demo/options", "/v1/cluster/options" })
        {
            using var first = await SendAsync("GET", path);
            var tag = first.Headers.ETag!.Tag;
            foreach (var method in new[] { "GET", "HEAD" })
            {
                using var answer = await SendIfAsync(method, path, header, value.Replace("TAG", tag), body: null);
                Assert.True(status == (int)answer.StatusCode, $"{method} {path}: {answer.StatusCode}");
                Assert.Equal(tag, answer.Headers.ETag?.Tag);
            }
        }
    }

    [Theory]
    [InlineData("If-Match", "TAG", 200, null)]
    [InlineData("If-Match", "*", 200, null)]
    [InlineData("If-Match", "\"other\", TAG", 200, null)]
    [InlineData("If-Match", "\"other\"", 412, "changed-meanwhile")]
    [InlineData("If-Match", "W/TAG", 412, "changed-meanwhile")]
    [InlineData("If-None-Match", "\"other\"", 200, null)]
    [InlineData("If-None-Match", "*", 412, "changed-meanwhile")]
    [InlineData("If-None-Match", "W/TAG", 412, "changed-meanwhile")]
    [InlineData("If-Match", "other", 400, "invalid-request")]
    [InlineData("If-Match", "", 400, "invalid-request")]
    [InlineData("If-Match", ",,", 400, "invalid-request")]
    [InlineData("If-Match", "\"", 400, "invalid-request")]
    [InlineData("If-Match", "*, \"other\"", 400, "invalid-request")]
    [InlineData("If-Match", "\"a\" \"b\"", 400, "invalid-request")]
    public async Task AChangeIsMadeOnlyIfItsConditionHolds(string header, string value, int status, string? type)
    {
        var conditional = _server.Routes.Where(r => r.IsConditional).ToList();
        Assert.Equal(12, conditional.Count);
        foreach (var route in conditional)
        {
            var isCluster = route.Pattern.StartsWith("/v1/cluster", StringComparison.Ordinal);
            using var first = await SendAsync("GET", isCluster ? "/v1/cluster/options" : "/v1/volumes/demo");
            var tag = value.Replace("TAG", first.Headers.ETag!.Tag);
            using var answer = await SendIfAsync(route.Method, PathOf(route), header, tag, BodyOf(route));
            var text = await answer.Content.ReadAsStringAsync();
            Assert.True(status == (int)answer.StatusCode, $"{route.Method} {route.Pattern}: {text}");
            if (type is not null)
            {
                Assert.Equal("urn:myrmex:problem:" + type, JsonNode.Parse(text)!["type"]!.GetValue<string>());
            }
        }
    }

    [Fact]
    public async Task AConditionThatIsNotLookedAtIsRefused()
    {
        foreach (var route in _server.Routes.Where(r => r.Method != "GET" && !r.IsConditional))
        {
            using var answer = await SendIfAsync(route.Method, PathOf(route), "If-Match", "*", BodyOf(route));
            Assert.True(answer.StatusCode == HttpStatusCode.BadRequest, $"{route.Method} {route.Pattern}");
        }
    }

    [Fact]
    public async Task ChangedOptionsOfAllVolumesHaveAnotherTag()
    {
        using var first = await SendAsync("GET", "/v1/cluster/options");
        var body = "{\"options\":[{\"key\":\"cluster.server-quorum-ratio\",\"value\":\"61\"}]}";
        var tag = first.Headers.ETag!.Tag;
        using var change = await SendIfAsync("PUT", "/v1/cluster/options", "If-Match", tag, body);
        Assert.Equal(HttpStatusCode.OK, change.StatusCode);
        Assert.NotEqual(tag, change.Headers.ETag!.Tag);
        using var second = await SendIfAsync("PUT", "/v1/cluster/options", "If-Match", tag, body);
        Assert.Equal(HttpStatusCode.PreconditionFailed, second.StatusCode);
    }

    [Fact]
    public async Task ConditionsAreDescribed()
    {
        var document = JsonNode.Parse(await _client.GetStringAsync(OpenApi.Path))!;
        var look = document["paths"]!["/v1/volumes/{name}"]!["get"]!;
        var change = document["paths"]!["/v1/volumes/{name}/options"]!["put"]!;
        var other = document["paths"]!["/v1/volumes/{name}/log-rotate"]!["post"]!;
        foreach (var operation in new[] { look, change })
        {
            Assert.Equal(
                ["If-Match", "If-None-Match"],
                operation["parameters"]!.AsArray().Where(p => p!["in"]!.GetValue<string>() == "header")
                    .Select(p => p!["name"]!.GetValue<string>()));
            Assert.NotNull(operation["responses"]!["412"]);
            Assert.NotNull(operation["responses"]!["200"]!["headers"]!["ETag"]);
        }

        Assert.NotNull(look["responses"]!["304"]);
        Assert.Null(change["responses"]!["304"]);
        Assert.Null(other["responses"]!["412"]);
    }

    [Fact]
    public async Task EventsAreReadInPiecesByTheirNumber()
    {
        for (var i = 0; i < 5; i++)
        {
            _fakes.Tell("VOLUME_START");
        }

        var list = JsonNode.Parse(await _client.GetStringAsync("/v1/events?after=1&max=2"))!;
        Assert.Equal([2, 3], list["events"]!.AsArray().Select(e => e!["seq"]!.GetValue<int>()));
        Assert.Equal(3, list["next"]!.GetValue<int>());
        list = JsonNode.Parse(await _client.GetStringAsync("/v1/events?after=9"))!;
        Assert.Empty(list["events"]!.AsArray());
        Assert.Equal(9, list["next"]!.GetValue<int>());
    }

    [Fact]
    public async Task AStreamGoesOnWhereTheLastOneEnded()
    {
        _fakes.Tell("ONE");
        _fakes.Tell("TWO");
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/events/stream");
        request.Headers.Add("Last-Event-ID", "1");
        using var answer = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal("text/event-stream", answer.Content.Headers.ContentType?.MediaType);
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync());
        Assert.Equal(["retry: 2000", ""], await LinesAsync(reader, 2));
        var lines = await LinesAsync(reader, 4);
        Assert.Equal(["id: 2", "event: TWO"], lines[..2]);
        Assert.Equal("line\nbreak", JsonNode.Parse(lines[2]["data: ".Length..])!["data"]!["a"]!.GetValue<string>());
        Assert.Equal(string.Empty, lines[3]);
        _fakes.Tell("THREE");
        Assert.Equal(["id: 3", "event: THREE"], (await LinesAsync(reader, 4))[..2]);
    }

    [Fact]
    public async Task TheCommandLineFollowsAStream()
    {
        using var client = new ManagementClient(_root, TimeSpan.FromSeconds(20));
        _fakes.Tell("ONE");
        _fakes.Tell("TWO");
        var seen = new List<string>();
        await foreach (var told in client.FollowEventsAsync(after: 0, CancellationToken.None))
        {
            seen.Add(told.Type);
            if (seen.Count == 2)
            {
                _fakes.Tell("THREE");
            }

            if (seen.Count == 3)
            {
                break;
            }
        }

        Assert.Equal(["ONE", "TWO", "THREE"], seen);
        Assert.Equal(3, (await client.EventsAsync(0)).Events.Count);
        Assert.Equal("volume demo\nend-volume\n", await client.VolfileAsync("demo"));
        await Assert.ThrowsAsync<CommandException>(() => client.VolfileAsync("nosuch"));
        Assert.Equal("node1", (await client.PeersAsync())[0].HostName);
        Assert.Equal("joined", (await client.ProbeAsync("x")).Outcome);
        await client.LabelAsync("x", new Dictionary<string, string?> { ["a"] = null });
        Assert.Equal("demo", (await client.TopAsync("demo", "read", "h:/b b&c", 1, 0, 0)).Volume);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static async Task<string[]> LinesAsync(StreamReader reader, int count)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        var lines = new string[count];
        for (var i = 0; i < count; i++)
        {
            lines[i] = await reader.ReadLineAsync(limit.Token) ?? throw new EndOfStreamException();
        }

        return lines;
    }

    /// <summary>A path of the route that exists, with what it must have after the question mark.</summary>
    private static string PathOf(Route route)
    {
        var path = Regex.Replace(route.Pattern, @"\{(\w+)\}", match => match.Groups[1].Value switch
        {
            "op" => "info",
            "metric" => "read",
            "kind" => "mem",
            "id" => "t1",
            "key" when route.Pattern.StartsWith("/v1/cluster", StringComparison.Ordinal) => "cluster.op-version",
            "key" when route.Pattern.StartsWith("/v1/volfiles", StringComparison.Ordinal) => "demo",
            "key" => "auth.allow",
            "name" when route.Pattern.StartsWith("/v1/option-groups", StringComparison.Ordinal) => "virt",
            "name" => "demo",
            _ => "x",
        });
        return path.EndsWith("/clear-locks", StringComparison.Ordinal) ? path + "?path=/&kind=all&type=posix"
            : path.EndsWith("/leader", StringComparison.Ordinal) ? path + "?brick=h:/b" : path;
    }

    private static string? BodyOf(Route route) => route.Body?.Type.Name switch
    {
        nameof(CreateMessage) => "{\"name\":\"demo\",\"bricks\":[\"h:/b\"],\"force\":true}",
        nameof(SettingListMessage) when route.Pattern.StartsWith("/v1/cluster", StringComparison.Ordinal) =>
            "{\"options\":[{\"key\":\"cluster.server-quorum-ratio\",\"value\":\"60\"}]}",
        nameof(SettingListMessage) => "{\"options\":[{\"key\":\"user.x\",\"value\":\"1\"}]}",
        nameof(AddBrickMessage) => "{\"bricks\":[\"h:/b\"]}",
        nameof(ReplaceBrickMessage) => "{\"source\":\"h:/b\",\"target\":\"h:/c\"}",
        nameof(ResetBrickMessage) => "{\"source\":\"h:/b\"}",
        nameof(ProbeMessage) => "{\"host\":\"h\"}",
        nameof(LabelsMessage) => "{\"set\":{\"rack\":\"r1\"},\"remove\":[\"site\"]}",
        null => null,
        var other => throw new InvalidOperationException($"no body is known for {other}"),
    };

    private static string OddMethod(Random random, Route route) => random.Next(6) switch
    {
        0 => "PROPFIND",
        1 => "GET",
        2 => "HEAD",
        _ => route.Method,
    };

    private static string OddPath(Random random, Route route)
    {
        var path = PathOf(route);
        return random.Next(8) switch
        {
            0 => path + "/" + Uri.EscapeDataString(OddText(random)),
            1 => path + "?force=" + Uri.EscapeDataString(OddText(random)),
            2 => path.Replace("demo", "%00" + Uri.EscapeDataString(OddText(random))),
            3 => path + "?after=99999999999999999999&max=x&files=-1&detail=%ff%fe",
            4 => path.Replace("demo", "..%2f..%2fetc"),
            5 => path + "?" + new string('a', random.Next(4000)),
            _ => path,
        };
    }

    private static byte[] OddBody(Random random, Route route)
    {
        var good = Encoding.UTF8.GetBytes(BodyOf(route) ?? "{}");
        switch (random.Next(9))
        {
            case 0:
                return Encoding.UTF8.GetBytes(new string('[', 100_000));
            case 1:
                return Encoding.UTF8.GetBytes("{\"name\":" + string.Concat(Enumerable.Repeat("{\"a\":", 5_000)));
            case 2:
                return Encoding.UTF8.GetBytes("{\"name\":\"\\ud800\",\"bricks\":[\"\\udfff\"],\"host\":\"\\ud800\"}");
            case 3:
                return [.. "{\"name\":\""u8, 0xff, 0xfe, 0xc0, 0x80, .. "\"}"u8];
            case 4:
                return Encoding.UTF8.GetBytes(
                    "{\"name\":5,\"bricks\":{},\"options\":\"x\",\"labels\":[1],\"host\":[],\"replicaCount\":1e999}");
            case 5:
                return Encoding.UTF8.GetBytes("{\"name\":\"" + new string('x', 500_000) + "\",\"bricks\":[]}");
            case 6:
                return [];
            case 7:
                random.NextBytes(good.AsSpan(random.Next(good.Length)));
                return good;
            default:
                good[random.Next(good.Length)] = (byte)random.Next(256);
                return good;
        }
    }

    private static string OddType(Random random) => random.Next(6) switch
    {
        0 => "text/plain",
        1 => "application/json; charset=utf-16",
        2 => "application/xml;;;",
        3 => string.Empty,
        _ => "application/json",
    };

    private static string OddTags(Random random)
    {
        var text = new StringBuilder();
        for (var i = random.Next(20); i >= 0; i--)
        {
            text.Append("\"\"W/*, ab\\\t!"[random.Next(12)]);
        }

        return text.ToString();
    }

    private static string OddText(Random random)
    {
        var text = new StringBuilder();
        for (var i = random.Next(40); i >= 0; i--)
        {
            text.Append((char)random.Next(1, 0xd7ff));
        }

        return text.ToString();
    }

    private async Task StartAsync(RestServices services)
    {
        File.Delete(Options.Socket);
        _server = new RestServer(Options, services.Routes(), new RestGuard(Token));
        await _server.StartAsync(CancellationToken.None);
        _client = new HttpClient { BaseAddress = new Uri($"http://localhost:{_port}") };
        _client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Token);
    }

    private async Task RestartAsync(RestServices services)
    {
        _client.Dispose();
        await _server.DisposeAsync();
        await StartAsync(services);
    }

    private async Task<HttpResponseMessage> SendIfAsync(
        string method, string path, string header, string value, string? body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Parse(method), path);
        Assert.True(request.Headers.TryAddWithoutValidation(header, value));
        request.Content = body is null ? null : new StringContent(body, Encoding.UTF8, "application/json");
        return await _client.SendAsync(request);
    }

    private async Task<HttpResponseMessage> SendAsync(string method, string path, string? body = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Parse(method), path);
        if (body is not null)
        {
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        }

        return await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
    }
}
