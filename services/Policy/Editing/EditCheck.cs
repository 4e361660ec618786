using System.Text;
using Gatehouse.Policy.Names;
using Gatehouse.Policy.Parsing;
using Gatehouse.Policy.Yaml;

namespace Gatehouse.Policy.Editing;

/// <summary>Whether an edited policy is the old one with one rule more, and nothing else.</summary>
internal static class EditCheck
{
    /// <returns>Null when it is, else what is wrong.</returns>
    public static string? Differs(string before, string after, string host, int port)
    {
        var result = PolicyParser.Parse(after, "policy");
        if (result.Policy is not { } policy)
            return $"with the rule it would have an error ({result.Errors[0].Message})";
        var decision = IpLiteral.TryParse(host, out var address) ? policy.Egress.Decide(address, port) : policy.Egress.Decide(PolicyEditor.Name(host), port);
        if (!decision.Verdict.IsAllowed)
            return "the rule would not take effect";
        var (old, now) = (Root(before), Root(after));
        var rules = now.Find("egress").Items("allow");
        if (rules.Length != old.Find("egress").Items("allow").Length + 1)
            return "another rule would be lost";
        return Canonical(old, null) == Canonical(now, rules[^1]) ? null : "something else would change too";
    }

    private static Node Root(string yaml) => YamlReader.Read(yaml, new ErrorList("policy"))!;

    /// <summary>The whole tree as text with lengths, without <paramref name="left"/>, and without egress and its allow where they hold nothing.</summary>
    private static string Canonical(Node root, Node? left)
    {
        var text = new StringBuilder();
        Write(root);
        return text.ToString();

        void Write(Node node)
        {
            switch (node)
            {
                case ScalarNode scalar:
                    text.Append('s').Append(scalar.IsPlain ? 'p' : 'q').Append(scalar.Text.Length).Append(':').Append(scalar.Text);
                    break;
                case SequenceNode sequence:
                    text.Append('[');
                    foreach (var item in sequence.Items.Where(item => !ReferenceEquals(item, left)))
                        Write(item);
                    text.Append(']');
                    break;
                case MappingNode mapping:
                    text.Append('{');
                    foreach (var (key, value) in mapping.Members.Where(member => !(member.Key.Text is "egress" or "allow" && HoldsNothing(member.Value))))
                    {
                        Write(key);
                        Write(value);
                    }

                    text.Append('}');
                    break;
            }
        }

        bool HoldsNothing(Node node) => node switch
        {
            ScalarNode scalar => scalar.IsNull,
            SequenceNode sequence => sequence.Items.All(item => ReferenceEquals(item, left)),
            MappingNode mapping => mapping.Members.All(member => member.Key.Text == "allow" && HoldsNothing(member.Value)),
            _ => false,
        };
    }
}
