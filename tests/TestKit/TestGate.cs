using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;
using System.Security.Cryptography;
using Gatehouse.Gate;
using Gatehouse.Gate.Handover;
using Gatehouse.Policy.Events;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Gatehouse.TestKit;

/// <summary>A gate in this process, hosted as its own program hosts it, with directories and a log sink of the test's own.</summary>
public sealed class TestGate : IAsyncDisposable
{
    private readonly string _name;
    private readonly TempFolder _folder;
    private readonly bool _ownsFolder;
    private readonly bool _ownsSink;
    private bool _isStarted;

    private TestGate(WebApplication app, string name, TempFolder folder, bool ownsFolder, LogSinkStub sink, bool ownsSink) =>
        (App, _name, _folder, _ownsFolder, Sink, _ownsSink) = (app, name, folder, ownsFolder, sink, ownsSink);

    public WebApplication App { get; }

    public LogSinkStub Sink { get; }

    public string Folder => _folder.Path;

    public string SocketPath => App.Services.GetRequiredService<RunDirectory>().GateSocket(_name);

    /// <param name="name">Of its socket.</param>
    /// <param name="boundary">Of its events.</param>
    /// <param name="configure">Adds what the gate needs; runs after everything else.</param>
    /// <param name="map">Maps endpoints.</param>
    /// <param name="folder">Kept when given: for gates that start again where another ended.</param>
    /// <param name="sink">Kept when given.</param>
    public static async Task<TestGate> StartAsync<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TGate>(
        string name = "egress", Boundary boundary = Boundary.Egress, Action<WebApplicationBuilder>? configure = null,
        Action<WebApplication>? map = null, TempFolder? folder = null, LogSinkStub? sink = null)
        where TGate : class, IGate
    {
        var ownFolder = folder is null ? new TempFolder() : null;
        var ownSink = sink is null ? await LogSinkStub.StartAsync() : null;
        try
        {
            return await StartAsync<TGate>(name, boundary, configure, map, folder ?? ownFolder!, ownFolder is not null, sink ?? ownSink!, ownSink is not null);
        }
        catch
        {
            if (ownSink is not null)
                await ownSink.DisposeAsync();
            if (ownFolder is not null && Directory.Exists(ownFolder.Path))
                ownFolder.Dispose();
            throw;
        }
    }

    private static async Task<TestGate> StartAsync<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TGate>(
        string name, Boundary boundary, Action<WebApplicationBuilder>? configure, Action<WebApplication>? map, TempFolder folder, bool ownsFolder, LogSinkStub sink, bool ownsSink)
        where TGate : class, IGate
    {
        // As the services' programs are built: nothing of the folder that the tests run in is read or watched.
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { Args = ["--hostBuilder:reloadConfigOnChange=false"], ContentRootPath = AppContext.BaseDirectory });
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Configuration.AddInMemoryCollection([new("Gatehouse:Token", LogSinkStub.Token), new("Recorder:Sink", sink.Uri.AbsoluteUri)]);
        builder.Services.AddSingleton(RunDirectory.Open(folder.File("run")));
        builder.Services.AddSingleton(StateDirectory.Open(folder.File("state")));
        builder.AddGate<TGate>(name, boundary);
        configure?.Invoke(builder);
        var app = builder.Build();
        app.MapHealthChecks("/health");
        map?.Invoke(app);
        var gate = new TestGate(app, name, folder, ownsFolder, sink, ownsSink);
        try
        {
            await app.StartAsync();
            gate._isStarted = true;
            return gate;
        }
        catch
        {
            await gate.DisposeAsync();
            throw;
        }
    }

    /// <summary>Hands the sockets over, through the gate's unix socket, and closes the test's own copies.</summary>
    public async Task<TestLease> OpenSessionAsync(string policyYaml, params SessionSocket[] sockets)
    {
        var id = SessionId.Create(TimeProvider.System);
        var path = _folder.Write($"{id}.yaml", policyYaml);
        var lease = await OpenSessionAsync(Header(id, path, sockets), sockets);
        foreach (var socket in sockets)
            socket.Dispose();
        return new(id, path, lease);
    }

    /// <summary>Hands the sockets over with any header at all.</summary>
    public Task<Socket> OpenSessionAsync(SessionHeader header, params SessionSocket[] sockets) =>
        GateClient.OpenSessionAsync(SocketPath, header, [.. sockets.Select(s => (int)s.Handle.DangerousGetHandle())], CancellationToken.None);

    /// <summary>The header that a launcher would send.</summary>
    public static SessionHeader Header(SessionId id, string policyPath, params SessionSocket[] sockets) => new()
    {
        Session = id.Value,
        Policy = policyPath,
        PolicySha256 = Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(policyPath))),
        Sockets = [.. sockets.Select(s => s.Description)],
    };

    public async ValueTask DisposeAsync()
    {
        if (_isStarted)
            await App.StopAsync(); // Disposing alone would end it like a kill.
        await App.DisposeAsync();
        if (_ownsSink)
            await Sink.DisposeAsync();
        if (_ownsFolder)
            _folder.Dispose();
    }
}

/// <summary>A session of a <see cref="TestGate"/>; disposing ends it.</summary>
public sealed record TestLease(SessionId Id, string PolicyPath, Socket Lease) : IDisposable
{
    public void Dispose() => Lease.Dispose();
}
