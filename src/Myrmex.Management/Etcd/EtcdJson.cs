using System.Text.Json.Serialization;

namespace Myrmex.Management.Etcd;

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, UseStringEnumConverter = true)]
[JsonSerializable(typeof(EtcdDocument))]
[JsonSerializable(typeof(EtcdReport))]
[JsonSerializable(typeof(EtcdMemberSpec))]
[JsonSerializable(typeof(StoreChoice))]
[JsonSerializable(typeof(StoreMoveRecord))]
internal sealed partial class EtcdJson : JsonSerializerContext;
