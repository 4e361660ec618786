using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization;
using Gatehouse.AgentSandbox.Images;
using Gatehouse.AgentSandbox.Launch;

namespace Gatehouse.AgentSandbox.CommandLine;

/// <summary><c>gatehouse image build | list</c></summary>
internal static class ImageCommands
{
    private static readonly string[] Engines = ["docker", "podman"];

    public static Command Create() => new("image", "The images that agents run in, for isolation docker and podman.") { Build(), List() };

    private static Command Build()
    {
        var with = new Option<string[]>("--with")
        {
            Description = "What it holds, by comma: claude-code, codex, openclaw, gemini-cli, node, dotnet@VERSION, python; any but python with @VERSION",
            DefaultValueFactory = _ => [],
        };
        var tag = new Option<string>("--tag") { Description = "Its name", DefaultValueFactory = _ => "gatehouse/agent" };
        var from = new Option<string?>("--base") { Description = "Debian image to start from (default: debian:bookworm-slim)" };
        var (engine, json) = (Engine(), Json());
        var build = new Command("build", "Builds the agent image.") { with, tag, from, engine, json };
        build.SetAction(async (parsed, cancellation) =>
        {
            var arguments = ImageRecipe.BuildArguments(parsed.GetValue(with)!);
            var name = Named(parsed.GetValue(tag)!, "--tag");
            var baseImage = parsed.GetValue(from) is { } given ? Named(given, "--base") : null;
            var found = ContainerEngine.Find(parsed.GetValue(engine));
            var progress = new BuildProgress(Console.Error, Terminal.IsTerminal(2), TimeProvider.System);
            await ImageBuild.RunAsync(found, name, baseImage, arguments, progress, cancellation);
            var seconds = Math.Round(progress.Elapsed.TotalSeconds, 1);
            Console.Out.WriteLine(parsed.GetValue(json)
                ? JsonSerializer.Serialize(new BuiltImage(name, found.Name, arguments, seconds), ImageJson.Default.BuiltImage)
                : $"{name} is built ({seconds} s). In gatehouse.yaml: agent: {{ isolation: {found.Name}, image: {name} }}");
            return 0;
        });
        return build;
    }

    private static Command List()
    {
        var (engine, json) = (Engine(), Json());
        var list = new Command("list", "Shows the images that were built with 'image build'.") { engine, json };
        list.SetAction(async (parsed, cancellation) =>
        {
            var found = ContainerEngine.Find(parsed.GetValue(engine));
            const string format = "{{.Repository}}:{{.Tag}}\t{{.ID}}\t{{.Size}}\t{{.CreatedSince}}";
            using var process = found.Start(["image", "ls", "--filter", "label=dev.gatehouse.image=agent", "--format", format]);
            var said = process.StandardError.ReadToEndAsync(cancellation);
            while (await process.StandardOutput.ReadLineAsync(cancellation) is { } line)
            {
                if (line.Split('\t') is not [var name, var id, var size, var created])
                    continue;
                Console.Out.WriteLine(parsed.GetValue(json)
                    ? JsonSerializer.Serialize(new ListedImage(name, id, size, created), ImageJson.Default.ListedImage)
                    : $"{name,-40} {id,-13} {size,-9} {created}");
            }

            await process.WaitForExitAsync(cancellation);
            return process.ExitCode == 0
                ? 0
                : throw new LaunchException(ExitCodes.Unavailable, $"{(await said).Trim()}\n{found.Name} does not list images: start it, or choose with --engine");
        });
        return list;
    }

    private static Option<string?> Engine()
    {
        var engine = new Option<string?>("--engine") { Description = "docker or podman (default: the first that is installed)" };
        engine.AcceptOnlyFromAmong(Engines);
        return engine;
    }

    private static Option<bool> Json() => new("--json") { Description = "One object a line" };

    // An image's name is an argument of the engine: it must not be taken for an option.
    private static string Named(string name, string option) =>
        name.Length is > 0 and <= 255 && char.IsAsciiLetterOrDigit(name[0]) && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_' or '/' or ':' or '@')
            ? name
            : throw new LaunchException(ExitCodes.Usage, $"{option} '{name}' is no image's name: write NAME, NAME:TAG or NAME@sha256:DIGEST");
}

internal sealed record BuiltImage(string Tag, string Engine, IReadOnlyList<string> Arguments, double Seconds);

internal sealed record ListedImage(string Name, string Id, string Size, string Created);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(BuiltImage))]
[JsonSerializable(typeof(ListedImage))]
internal sealed partial class ImageJson : JsonSerializerContext;
