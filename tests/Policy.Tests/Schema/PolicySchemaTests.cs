using System.Text.Json;
using Gatehouse.Policy.Schema;

namespace Gatehouse.Policy.Tests.Schema;

public sealed class PolicySchemaTests
{
    private static readonly JsonElement Root = JsonDocument.Parse(PolicySchema.Json()).RootElement;

    [Fact]
    public void Json_Root_IsAClosedObjectOfTheDialect()
    {
        Assert.Equal("https://json-schema.org/draft/2020-12/schema", Root.GetProperty("$schema").GetString());
        Assert.Equal("object", Root.GetProperty("type").GetString());
        Assert.False(Root.GetProperty("additionalProperties").GetBoolean());
        Assert.Equal(["version"], Root.GetProperty("required").EnumerateArray().Select(name => name.GetString()));
        Assert.Equal(PolicyShape.Root.Keys.Select(key => key.Name), Root.GetProperty("properties").EnumerateObject().Select(property => property.Name));
    }

    [Fact]
    public void Json_EveryKey_IsThereWithADescription() => AssertDescribes(PolicyShape.Root, Root);

    [Theory]
    [InlineData("agent/isolation", "bubblewrap", "docker", "podman")]
    [InlineData("logging/whenUnavailable", "deny", "spool")]
    public void Json_Words_AreAnEnumeration(string path, params string[] words) =>
        Assert.Equal(words, At(path).GetProperty("enum").EnumerateArray().Select(word => word.GetString()));

    [Fact]
    public void Json_Ranges_AreThoseOfTheParser()
    {
        var processes = At("agent/limits/processes");
        Assert.Equal("integer", processes.GetProperty("type").GetString());
        Assert.Equal(8, processes.GetProperty("minimum").GetInt64());
        Assert.Equal(64, At("filesystem/inputs").GetProperty("maxItems").GetInt32());
    }

    [Fact]
    public void Json_OneOrMore_TakesBoth()
    {
        var ports = At("egress/allow").GetProperty("items").GetProperty("properties").GetProperty("ports");
        Assert.Equal(["integer", "array"], ports.GetProperty("anyOf").EnumerateArray().Select(choice => choice.GetProperty("type").GetString()));
    }

    [Fact]
    public void Json_PartOfALaterVersion_SaysSo()
    {
        Assert.EndsWith("Not supported yet.", At("execution/allow").GetProperty("description").GetString(), StringComparison.Ordinal);
        Assert.DoesNotContain("Not supported yet", At("agent/limits/processes").GetProperty("description").GetString()!, StringComparison.Ordinal);
    }

    private static JsonElement At(string path) =>
        path.Split('/').Aggregate(Root, (element, name) => element.GetProperty("properties").GetProperty(name));

    private static void AssertDescribes(Shape shape, JsonElement schema)
    {
        Assert.StartsWith(shape.Description, schema.GetProperty("description").GetString(), StringComparison.Ordinal);
        switch (shape)
        {
            case ObjectShape of:
                foreach (var key in of.Keys)
                    AssertDescribes(key.Shape, schema.GetProperty("properties").GetProperty(key.Name));
                break;
            case ListShape { OrOne: true } list:
                AssertDescribes(list.Item, schema.GetProperty("anyOf")[0]);
                break;
            case ListShape list:
                AssertDescribes(list.Item, schema.GetProperty("items"));
                break;
            case MapShape map:
                AssertDescribes(map.Value, schema.GetProperty("additionalProperties"));
                break;
            case EitherShape either:
                AssertDescribes(either.Mapping, schema.GetProperty("anyOf")[1]);
                break;
        }
    }
}
