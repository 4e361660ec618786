using System.Reflection;
using Aspire.Hosting;

namespace Gatehouse.EmbeddedHosting.Tests;

/// <summary>EmbeddedHosting never grows past what AppHost.cs and its tests need, and has no name that Aspire 13.4 lacks.</summary>
public sealed class AspireSurfaceTests
{
    /// <summary>Read in Aspire's source: namespace, type, and the public members that are implemented here.</summary>
    private static readonly Dictionary<string, string> s_aspire = new()
    {
        ["Aspire.Hosting.DistributedApplication"] = "CreateBuilder Dispose DisposeAsync ResourceNotifications Run RunAsync Services StartAsync StopAsync",
        ["Aspire.Hosting.IDistributedApplicationBuilder"] = "AddResource AppHostDirectory Build Configuration Services",
        ["Aspire.Hosting.IProjectMetadata"] = "ProjectPath",
        ["Aspire.Hosting.ParameterResourceBuilderExtensions"] = "AddParameter",
        ["Aspire.Hosting.ProjectResourceBuilderExtensions"] = "AddProject",
        ["Aspire.Hosting.ResourceBuilderExtensions"] = "WaitFor WithArgs WithEnvironment WithHttpEndpoint WithHttpHealthCheck WithReference",
        ["Aspire.Hosting.ApplicationModel.GenerateParameterDefault"] = "GetDefaultValue MinLength Special",
        ["Aspire.Hosting.ApplicationModel.IResource"] = "Name",
        ["Aspire.Hosting.ApplicationModel.IResourceBuilder`1"] = "ApplicationBuilder Resource",
        ["Aspire.Hosting.ApplicationModel.IResourceWithArgs"] = "",
        ["Aspire.Hosting.ApplicationModel.IResourceWithEndpoints"] = "",
        ["Aspire.Hosting.ApplicationModel.IResourceWithEnvironment"] = "",
        ["Aspire.Hosting.ApplicationModel.IResourceWithServiceDiscovery"] = "",
        ["Aspire.Hosting.ApplicationModel.IResourceWithWaitSupport"] = "",
        ["Aspire.Hosting.ApplicationModel.ParameterDefault"] = "GetDefaultValue",
        ["Aspire.Hosting.ApplicationModel.ParameterResource"] = "Name Secret",
        ["Aspire.Hosting.ApplicationModel.ProjectResource"] = "Name",
        ["Aspire.Hosting.ApplicationModel.ResourceEvent"] = "Resource",
        ["Aspire.Hosting.ApplicationModel.ResourceNotificationService"] = "WaitForResourceAsync WaitForResourceHealthyAsync",
        ["Aspire.Hosting.Testing.DistributedApplicationHostingTestingExtensions"] = "CreateHttpClient GetEndpoint",
        ["Aspire.Hosting.Testing.DistributedApplicationTestingBuilder"] = "CreateAsync",
        ["Aspire.Hosting.Testing.IDistributedApplicationTestingBuilder"] = "BuildAsync",
        // The one type of our own: what the build writes beside the generated classes.
        ["Aspire.Hosting.ProjectOutputAttribute"] = "TargetPath",
    };

    [Fact]
    public void PublicTypes_AreAspiresAndNoMore() => Assert.Equal(
        s_aspire.Keys.Order(StringComparer.Ordinal), typeof(DistributedApplication).Assembly.GetExportedTypes().Select(type => type.FullName!).Order(StringComparer.Ordinal));

    [Fact]
    public void PublicMembers_AreAspiresAndNoMore() => Assert.All(typeof(DistributedApplication).Assembly.GetExportedTypes(), type =>
    {
        var members = type.GetMembers(BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly)
            .Where(member => member is not ConstructorInfo && member is not MethodInfo { IsSpecialName: true })
            .Select(member => member.Name).Distinct().Order(StringComparer.Ordinal);
        Assert.Equal(s_aspire[type.FullName!], string.Join(' ', members));
    });
}
