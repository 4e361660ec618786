using System.Collections.Immutable;
using Gatehouse.Policy.Filesystem;
using Gatehouse.Policy.Names;
using Gatehouse.Policy.Schema;
using Gatehouse.Policy.Yaml;

namespace Gatehouse.Policy.Parsing;

/// <summary><c>filesystem:</c></summary>
internal sealed class FilesystemReader(ErrorList errors)
{
    private readonly MountPoints _points = new(errors);

    public FilesystemPolicy Read(Node? filesystem)
    {
        var inputs = ImmutableArray.CreateBuilder<InputMount>();
        foreach (var item in filesystem.Items("inputs"))
            if (ReadHost(item) is var host && _points.Read(item.Scalar("at")) is { } at && host is not null)
                inputs.Add(new InputMount(host, at));

        var workspaces = ImmutableArray.CreateBuilder<WorkspaceMount>();
        foreach (var item in filesystem.Items("workspaces"))
            if (ReadHost(item) is var host && _points.Read(item.Scalar("at")) is { } at && host is not null)
                workspaces.Add(new WorkspaceMount(host, at, item.Scalar("mode")?.Text == "worktree"
                    ? WorkspaceMode.Worktree
                    : WorkspaceMode.Overlay));

        var scratch = ImmutableArray.CreateBuilder<ScratchMount>();
        foreach (var item in filesystem.Items("scratch"))
            if (_points.Read(item.Scalar("at")) is { } at && item.Scalar("size") is { } text
                && Quantity.TryParseSize(text.Text, out var size))
                scratch.Add(new ScratchMount(at, size, item.Scalar("exec")?.Text == "true"));

        return new FilesystemPolicy
        {
            Inputs = inputs.ToImmutable(),
            Workspaces = workspaces.ToImmutable(),
            Scratch = scratch.ToImmutable(),
            WritableRoot = filesystem.Scalar("root")?.Text == "writable",
            Hide = ReadHide(filesystem.Find("hide") as SequenceNode),
        };
    }

    private string? ReadHost(Node item) => HostPathText.Read(item.Scalar("host"), errors);

    private ImmutableArray<PathPattern> ReadHide(SequenceNode? list)
    {
        var hide = ImmutableArray.CreateBuilder<PathPattern>();
        foreach (var scalar in list.Scalars())
        {
            var text = scalar.Text;
            var shown = Shown.Quoted(text);
            if (text.Length == 0)
                continue;
            if (text[0] == '/')
                errors.Add(scalar.At, $"{shown} begins with a slash, and is counted from the root of each mount",
                    $"Write {Shown.Plain(text.TrimStart('/'))}.");
            else if (text.Split('/').Any(segment => segment is "" or "." or ".."))
                errors.Add(scalar.At, $"{shown} is not a normalised path",
                    "Leave out empty segments, '.' and '..', and a slash at the end.");
            else if (!PathPattern.TryParse(text, out var pattern, out var error))
                errors.Add(scalar.At, $"{shown} is not a pattern: {error}", "Write one such as **/.env.");
            else
                hide.Add(pattern);
        }

        return hide.ToImmutable();
    }
}
