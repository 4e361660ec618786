using System.Text;

namespace Gatehouse.Policy.Schema;

/// <summary>What a value is called in messages and rule names, as <c>egress.allow[2].ports</c>; put together only when asked for.</summary>
internal sealed class Place
{
    private readonly Place? _parent;
    private readonly string? _key;
    private readonly int _index;

    private Place(Place? parent, string? key, int index) => (_parent, _key, _index) = (parent, key, index);

    public static Place Root { get; } = new(null, null, 0);

    public Place Key(string key) => new(this, key, 0);

    public Place Item(int index) => new(this, null, index);

    public override string ToString()
    {
        if (_parent is null)
            return "the policy";
        var builder = new StringBuilder();
        Append(builder);
        return builder.ToString();
    }

    private void Append(StringBuilder builder)
    {
        if (_parent is null)
            return;
        _parent.Append(builder);
        if (_key is null)
            builder.Append(System.Globalization.CultureInfo.InvariantCulture, $"[{_index}]");
        else
            builder.Append(builder.Length == 0 ? "" : ".").Append(_key);
    }
}
