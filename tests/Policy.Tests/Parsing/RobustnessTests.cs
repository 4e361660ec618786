using System.Text;
using Gatehouse.Policy.Parsing;
using Gatehouse.Policy.Schema;

namespace Gatehouse.Policy.Tests.Parsing;

/// <summary>Whatever the text: an answer, one way or the other, with every error inside the text.</summary>
public sealed class RobustnessTests
{
    private static readonly string[] Tokens =
    [
        "[", "]", "{", "}", ":", ": ", "- ", "\n", "\n  ", "\"", "'", "&a ", "*a", "!!str ", "!", "|", ">", "%", "#", "? ", ",", "@", "`", "\t", "~", "<<: ",
        "---\n", "...\n", "\\", "\\u0000", "\0", "\u202e", "\ud800", "\uFEFF", "💥", "0", "-1", "99999999999999999999", "1e9", "on", "null", "{secret}", "${X}", "**", "/../", "::1",
        "version: 1\n", "host", "allow", "ports", "secrets:\n", "egress:\n",
    ];

    [Fact]
    public void Parse_EveryTruncatedPrefix_Answers()
    {
        for (var length = 0; length <= FullPolicy.Yaml.Length; length++)
            AssertAnswers(FullPolicy.Yaml[..length]);
    }

    [Fact]
    public void Parse_EverySuffix_Answers()
    {
        for (var start = 0; start < FullPolicy.Yaml.Length; start++)
            AssertAnswers(FullPolicy.Yaml[start..]);
    }

    [Fact]
    public void Parse_EachLineLeftOut_Answers()
    {
        var lines = FullPolicy.Yaml.Split('\n');
        for (var i = 0; i < lines.Length; i++)
            AssertAnswers(string.Join('\n', lines.Where((_, index) => index != i)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Parse_RandomMutations_Answer(int seed)
    {
        var random = new Random(seed);
        for (var round = 0; round < 1500; round++)
        {
            var text = new StringBuilder(FullPolicy.Yaml);
            for (var change = random.Next(1, 8); change > 0; change--)
            {
                var at = random.Next(text.Length);
                switch (random.Next(3))
                {
                    case 0:
                        text.Remove(at, Math.Min(random.Next(1, 12), text.Length - at));
                        break;
                    case 1:
                        text.Insert(at, Tokens[random.Next(Tokens.Length)]);
                        break;
                    default:
                        text[at] = (char)random.Next(0x80);
                        break;
                }
            }

            AssertAnswers(text.ToString());
        }
    }

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    public void Parse_RandomTokens_Answer(int seed)
    {
        var random = new Random(seed);
        for (var round = 0; round < 3000; round++)
            AssertAnswers(string.Concat(Enumerable.Range(0, random.Next(40)).Select(_ => Tokens[random.Next(Tokens.Length)])));
    }

    // The right keys with values of every kind: what no mutation of text would come to.
    [Fact]
    public void Parse_EveryKeyWithEveryKindOfValue_Answers()
    {
        string[] values = ["", "~", "\"\"", "x", "1", "-1", "[]", "{}", "[[]]", "[{}]", "[~]", "{ x: y }", "[{ x: [1] }]", "{ ? [a] : b }", "\"\\0\"", "*x", "99999999999999999999"];
        foreach (var (path, _) in Paths(PolicyShape.Root, []))
            foreach (var value in values)
            {
                var yaml = path.AsEnumerable().Reverse().Aggregate(value, (inner, part) => part == "[]" ? $"[ {inner} ]" : $"{{ \"{part}\": {inner} }}");
                AssertAnswers(yaml);
            }
    }

    [Theory]
    [InlineData("[")]
    [InlineData("{")]
    [InlineData("[a, ")]
    [InlineData("{a: ")]
    [InlineData("- ")]
    [InlineData("? ")]
    [InlineData("a: ")]
    [InlineData("&a ")]
    [InlineData("!a ")]
    [InlineData("- &a a\n")]
    [InlineData("- *a\n")]
    [InlineData("k: v\n")]
    [InlineData("\"")]
    [InlineData("'")]
    [InlineData("---\n")]
    [InlineData("%YAML 1.2\n")]
    [InlineData("\n")]
    [InlineData("# \n")]
    [InlineData("? []\n")]
    public void Parse_OneTokenRepeatedToTheLimit_Answers(string token) =>
        AssertAnswers(string.Concat(Enumerable.Repeat(token, PolicyParser.MaxBytes / token.Length)));

    [Fact]
    public void Parse_ListsFarBeyondTheirMaximum_AreNotReadOn()
    {
        var many = string.Join(",", Enumerable.Range(0, 300_000).Select(i => $"a{i}"));
        foreach (var start in new[] { "execution: { allow: [", "agent: { command: [", "filesystem: { hide: [" })
            AssertAnswers($"version: 1\n{start}{many}] }}");
        var mounts = string.Join(",", Enumerable.Range(0, 100_000).Select(i => $"{{at: /a{i}}}"));
        AssertAnswers($"version: 1\nfilesystem: {{ inputs: [{mounts}] }}");
    }

    private static IEnumerable<(List<string> Path, Shape Shape)> Paths(Shape shape, List<string> path)
    {
        yield return (path, shape);
        IEnumerable<(string Part, Shape Shape)> inner = shape switch
        {
            ObjectShape of => of.Keys.Select(key => (key.Name, key.Shape)),
            MapShape map => [("NAME", map.Value)],
            ListShape list => [("[]", list.Item)],
            EitherShape either => [("min", either.Mapping.Keys[0].Shape)],
            _ => [],
        };
        foreach (var (part, below) in inner)
            foreach (var found in Paths(below, [.. path, part]))
                yield return found;
    }

    private static void AssertAnswers(string yaml)
    {
        // Long texts once only: what is supported changes nothing of how far they are read.
        foreach (var supported in yaml.Length < 100_000 ? new[] { PolicyFeatures.Current, PolicyFeatures.All } : [PolicyFeatures.Current])
        {
            var result = PolicyParser.Parse(yaml, "p", supported);
            Assert.Equal(result.Policy is null, !result.Errors.IsEmpty);
            var lines = yaml.Length < 10_000 ? yaml.Split('\n').Length + 1 : int.MaxValue;
            foreach (var error in result.Errors)
            {
                Assert.InRange(error.Line, 1, lines);
                Assert.True(error.Column >= 1);
                Assert.InRange(error.Message.Length, 1, 500);
                Assert.InRange(error.Fix.Length, 1, 500);
                Assert.DoesNotContain(error.Message + error.Fix, char.IsControl);
            }
        }
    }
}
