using System.Text;
using System.Text.Json;
using Gatehouse.AgentSandbox.Workspaces.Changes;
using Gatehouse.AgentSandbox.Workspaces.Files;
using Gatehouse.AgentSandbox.Workspaces.Sessions;

namespace Gatehouse.AgentSandbox.CommandLine;

/// <summary>One change on one line.</summary>
internal static class ChangeLine
{
    public static string Text(WorkspaceRecord workspace, Change change) =>
        $"{Letter(change.Kind)} {workspace.At}/{change.Path}{(change.ModeChanged ? $"  mode {Convert.ToString(change.OldMode!.Value, 8)} → {Convert.ToString(change.Mode, 8)}" : "")}"
        + (change.HasSpecialBits ? "  setuid, setgid or sticky: not applied" : "") + (change.Type == FileType.File && change.Kind != ChangeKind.Deleted ? $"  {Bytes.Display(change.Size)}" : "");

    public static string Json(WorkspaceRecord workspace, Change change)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteString("workspace", workspace.At);
            json.WriteString("path", change.Path.ToString());
            json.WriteString("kind", JsonNamingPolicy.CamelCase.ConvertName(change.Kind.ToString()));
            json.WriteString("type", JsonNamingPolicy.CamelCase.ConvertName(change.Type.ToString()));
            json.WriteNumber("size", change.Size);
            json.WriteNumber("oldSize", change.OldSize);
            json.WriteString("mode", Convert.ToString(change.Mode, 8));
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(stream.ToArray());
    }

    /// <param name="change">As the engine says it: <c>A path</c>.</param>
    public static string RootText(string change) => $"{change[0] switch { 'C' => 'M', var letter => letter }} container:{Printable.Line(change[2..])}";

    /// <inheritdoc cref="RootText"/>
    public static string RootJson(string change)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteString("container", change[2..]);
            json.WriteString("kind", change[0] switch { 'A' => "added", 'D' => "deleted", _ => "modified" });
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(stream.ToArray());
    }

    private static string Letter(ChangeKind kind) => kind switch { ChangeKind.Added => "A", ChangeKind.Modified => "M", ChangeKind.Deleted => "D", _ => "T" };
}
