using Microsoft.Extensions.Configuration;

namespace Gatehouse.ServiceDefaults.Tests;

public sealed class BuilderTests
{
    [Fact]
    public async Task Builder_SettingsFileInTheWorkingDirectory_IsNotRead()
    {
        var project = Directory.CreateTempSubdirectory("hostile-");
        var before = Directory.GetCurrentDirectory();
        try
        {
            await File.WriteAllTextAsync(Path.Combine(project.FullName, "appsettings.json"), """{"LogSink":{"AllowRemote":true}}""");
            Directory.SetCurrentDirectory(project.FullName);

            Assert.Null(Defaults.CreateBuilder([]).Configuration["LogSink:AllowRemote"]);
        }
        finally
        {
            Directory.SetCurrentDirectory(before);
            project.Delete(recursive: true);
        }
    }

    [Fact]
    public void Builder_SettingsFiles_AreNotWatched() =>
        Assert.All(Defaults.CreateBuilder([]).Configuration.Sources.OfType<FileConfigurationSource>(), source => Assert.False(source.ReloadOnChange));

    [Fact]
    public void Builder_CommandLine_IsConfiguration() =>
        Assert.Equal("value", Defaults.CreateBuilder(["--Some:Key=value"]).Configuration["Some:Key"]);
}
