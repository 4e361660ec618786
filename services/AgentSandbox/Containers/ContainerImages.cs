using System.Collections.Immutable;
using System.Diagnostics;
using Gatehouse.AgentSandbox.Enclosure;

namespace Gatehouse.AgentSandbox.Containers;

/// <summary>Images and root file systems of an engine.</summary>
internal static class ContainerImages
{
    /// <summary>Characters of all paths together: the session's record holds them.</summary>
    private const int MaxChanges = 1 << 20;

    /// <summary>Looks at an image; fetches it first when it is not there and has a registry's name.</summary>
    /// <exception cref="EnclosureException">It is not to be had.</exception>
    public static async Task<ImageFacts> FindAsync(EngineCommand engine, string image, Action<string> progress)
    {
        if (image.StartsWith('-'))
            throw new EnclosureException($"agent.image '{image}' is not the name of an image");
        if (engine.Name == "docker" && DockerApi.IsPlain(image))
        {
            using var known = DockerApi.TryGet(DockerSocket.Find(engine), $"/images/{image}/json");
            if (known is not null)
                return ImageFacts.Parse(known.RootElement.GetRawText(), image);
        }

        var found = await engine.TryRunAsync(["image", "inspect", image]);
        if (found.Code == 0)
            return ImageFacts.Parse(found.Output, image);
        if (!found.Error.Contains("no such image", StringComparison.OrdinalIgnoreCase) && !found.Error.Contains("failed to find image", StringComparison.OrdinalIgnoreCase)
            && !found.Error.Contains("image not known", StringComparison.OrdinalIgnoreCase))
            throw engine.Failure($"look at the image {image}", found);
        if (image == ContainerSettings.DefaultImage || image.StartsWith(ContainerSettings.DefaultImage + ":", StringComparison.Ordinal))
            throw new EnclosureException($"the image {image} is not there yet: make it with 'gatehouse image build{(engine.Name == "podman" ? " --engine podman" : "")}', or name another in agent.image");
        progress($"fetching the image {image}");
        var pull = new ProcessStartInfo(engine.Path, ["pull", "--quiet", image]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        using var process = Process.Start(pull)!;
        process.StandardInput.Close();
        await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
            throw new EnclosureException($"the image {image} is not here and could not be fetched ({engine.Name}'s message is above): is the name right, and are you logged in? 'gatehouse image build' makes one without a registry");
        return ImageFacts.Parse(await engine.RunAsync($"look at the image {image}", ["image", "inspect", image]), image);
    }

    /// <summary>What a stopped container changed in its own root: <c>A path</c>, <c>C path</c>, <c>D path</c>.</summary>
    public static async Task<ImmutableArray<string>> ChangesAsync(EngineCommand engine, string container)
    {
        var result = await engine.TryRunAsync(["diff", container]);
        if (result.Code != 0)
            return [];
        var room = MaxChanges;
        return [.. result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Where(line => line.Length > 3 && line[1] == ' ' && !line.AsSpan(2).StartsWith("/.gatehouse"))
            .TakeWhile(line => (room -= line.Length) > 0)];
    }
}
