using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Options;

namespace Gatehouse.LogSink.Discovery;

/// <summary>Tells the command line where the sink is and with which token to come, for as long as it runs: <c>log-sink.json</c>, for its owner alone.</summary>
internal sealed class AddressFile(IServer server, IOptions<LogSinkOptions> options, IConfiguration configuration) : IHostedLifecycleService
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private string _written = "";

    private string Path => options.Value.AddressFile;

    public async Task StartedAsync(CancellationToken cancellationToken)
    {
        // A socket in the run directory can be reached by those without a network to it: the launcher in its container.
        var addresses = server.Features.Get<IServerAddressesFeature>()?.Addresses;
        if ((addresses?.FirstOrDefault(UnixSocket.IsOne) ?? addresses?.FirstOrDefault()) is not { } bound)
            return;
        var address = new SinkAddress(Reachable(bound), options.Value.Token, configuration["OTEL_EXPORTER_OTLP_ENDPOINT"] is { Length: > 0 } otlp ? otlp : null);
        _written = JsonSerializer.Serialize(address, SinkAddressJson.Default.SinkAddress);
        // Renamed into place: nobody reads half a token, and whatever stood there (a link, too) is replaced, not written through.
        var unfinished = $"{Path}.{Environment.ProcessId}";
        File.Delete(unfinished);
        var create = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OwnerOnly };
        await using (var writer = new StreamWriter(unfinished, create))
            await writer.WriteAsync(_written.AsMemory(), cancellationToken);
        File.Move(unfinished, Path, overwrite: true);
    }

    public Task StoppingAsync(CancellationToken cancellationToken)
    {
        try
        {
            // A successor may have put its own there.
            if (_written.Length > 0 && File.ReadAllText(Path) == _written)
                File.Delete(Path);
        }
        catch (IOException)
        {
            // Gone already, with the run directory perhaps.
        }

        return Task.CompletedTask;
    }

    /// <summary>"All addresses" is where to listen, not where to connect.</summary>
    private static string Reachable(string bound)
    {
        if (UnixSocket.IsOne(bound))
            return bound;
        var url = new UriBuilder(bound.Replace("://+", "://0.0.0.0", StringComparison.Ordinal).Replace("://*", "://0.0.0.0", StringComparison.Ordinal));
        if (IPAddress.TryParse(url.Host, out var address) && (address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any)))
            url.Host = "127.0.0.1";
        return url.Uri.GetLeftPart(UriPartial.Authority);
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}

internal sealed record SinkAddress(string Url, string Token, string? Otlp);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(SinkAddress))]
internal sealed partial class SinkAddressJson : JsonSerializerContext;
