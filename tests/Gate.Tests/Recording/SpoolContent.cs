namespace Gatehouse.Gate.Tests.Recording;

internal static class SpoolContent
{
    /// <summary>Lines in a spool file; while it is open, the room for more behind them is zeros.</summary>
    public static string Read(string path) => File.ReadAllText(path).TrimEnd('\0');
}
