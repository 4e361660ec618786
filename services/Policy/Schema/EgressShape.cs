namespace Gatehouse.Policy.Schema;

/// <summary><c>egress:</c></summary>
internal static class EgressShape
{
    public static TextShape Trust { get; } = new("PEM file with the authority that signed the server's certificate.", "ca.pem");

    public static TextShape Method { get; } = new("HTTP method, in capitals.", "GET", 32);

    public static ObjectShape Egress { get; } = new("What the agent may reach.",
    [
        new("allow", new ListShape("Rules. An exact host beats a wildcard, a longer wildcard a shorter one; then the first wins.",
            new ObjectShape("One rule: a host or an address.",
            [
                new("host", new TextShape("Name, or *.name for one or more labels below it.", "api.github.com", 512)),
                new("address", new TextShape("IP address or network.", "10.1.2.3/32", 128)),
                new("ports", new ListShape("TCP ports; without it, 443 and 80.", new IntegerShape("Port.", 1, 65535), MaxCount: 100,
                    MinCount: 1, OrOne: true)),
                new("methods", new ListShape("HTTP methods; the connection is then inspected.", Method, MaxCount: 32, MinCount: 1,
                    OrOne: true))
                {
                    Needs = PolicyFeatures.Inspection,
                },
                new("paths", new ListShape("Globs of URL paths; the connection is then inspected.",
                    new TextShape("Glob that begins with a slash.", "\"/v1/**\"", 1024), MaxCount: 256, MinCount: 1, OrOne: true))
                {
                    Needs = PolicyFeatures.Inspection,
                },
                new("connect", new TextShape("Address and port to connect to, whatever the name resolves to.", "\"127.0.0.1:8443\"", 64)),
                new("trust", Trust),
                new("ask", new SwitchShape("Whether a person is asked about each destination that the rule matches, before it is reached. Its name gets an address of the gate's at once, and is looked up only after a yes.")),
            ]), MaxCount: 50_000)),
        new("otherwise", new WordShape("What becomes of a destination that no rule names: denied, or held until a person has answered. Private and other special addresses are never asked about, nor are calls with secrets. What dials another port than 80, 443 and those of the rules is refused: only through the proxy can it be asked about.",
            [new("deny"), new("ask")])),
        new("askTimeout", new DurationShape("How long a connection is held for an answer; none by then is no. Without it, 2m.",
            TimeSpan.FromMinutes(10))),
    ]);
}
