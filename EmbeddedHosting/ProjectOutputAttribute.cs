namespace Aspire.Hosting;

/// <summary>Where a referenced project's built assembly is, relative to the AppHost's own; written by EmbeddedHosting's targets.</summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class ProjectOutputAttribute(string targetPath) : Attribute
{
    public string TargetPath { get; } = targetPath;
}
