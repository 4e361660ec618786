namespace Gatehouse.Gate;

/// <summary>The name of one session: local time of its start and four random characters, <c>20261123-153012-k3f9</c>.</summary>
public readonly record struct SessionId
{
    private readonly string? _value;

    private SessionId(string value) => _value = value;

    public string Value => _value ?? "";

    public static SessionId Create(TimeProvider time) => throw new NotImplementedException();

    /// <summary>1–40 of <c>a–z 0–9 -</c>, not starting with a hyphen.</summary>
    public static bool TryParse(string? text, out SessionId id) => throw new NotImplementedException();

    public override string ToString() => Value;
}
