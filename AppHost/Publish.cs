namespace Aspire.Hosting;

/// <summary>What is for publishing only; compiled with Aspire alone.</summary>
internal static class Publish
{
    /// <summary><c>aspire publish</c> writes a Docker Compose file.</summary>
    public static void PublishToCompose(this IDistributedApplicationBuilder builder) =>
        builder.AddDockerComposeEnvironment("compose").WithDashboard(false);
}
