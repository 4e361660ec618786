using System.Security.Cryptography;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>A value that is given from outside, or made up.</summary>
public class ParameterResource : IResource
{
    private readonly Lazy<string> _value;

    internal ParameterResource(string name, Func<string> value, bool secret)
    {
        Name = name;
        Secret = secret;
        _value = new(value);
    }

    public string Name { get; }

    public bool Secret { get; }

    internal string CurrentValue => _value.Value;
}

/// <summary>Where a parameter's value comes from when it is not given.</summary>
public abstract class ParameterDefault
{
    public abstract string GetDefaultValue();
}

/// <summary>A random value.</summary>
public sealed class GenerateParameterDefault : ParameterDefault
{
    public int MinLength { get; set; }

    public bool Special { get; set; } = true;

    public override string GetDefaultValue() => RandomNumberGenerator.GetString(
        "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ0123456789" + (Special ? "-_.!" : ""), Math.Max(22, MinLength));
}
