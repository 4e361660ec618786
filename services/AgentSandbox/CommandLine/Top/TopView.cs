using System.Globalization;
using System.Text;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Gatehouse.AgentSandbox.CommandLine.Top;

/// <summary>
/// A snapshot as tables. Nothing in it is markup: every cell is a <see cref="Text"/>, cut to its column by the cells that it takes on a terminal
/// (two for CJK and emoji), so that a row is a line.
/// </summary>
internal static class TopView
{
    private const int Gap = 2;

    private static readonly Style s_head = new(decoration: Decoration.Bold), s_denied = new(Color.Maroon), s_asks = new(Color.Olive, decoration: Decoration.Bold);

    /// <summary>Lines of at most <paramref name="width"/> cells.</summary>
    /// <param name="snapshot">What to show.</param>
    /// <param name="width">Cells.</param>
    /// <param name="height">Lines; what does not fit is counted, and headings stay.</param>
    /// <param name="colours">Whether escapes for colours may stand in it.</param>
    public static string[] Lines(TopSnapshot snapshot, int width, int height, bool colours)
    {
        using var written = new StringWriter(CultureInfo.InvariantCulture);
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = colours ? AnsiSupport.Yes : AnsiSupport.No,
            ColorSystem = colours ? ColorSystemSupport.Standard : ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(written),
        });
        (console.Profile.Width, console.Profile.Height) = (width, height);
        var (running, waiting) = Share(height, snapshot.Running.Length, snapshot.Waiting.Length);
        Sessions(console, snapshot, width, running);
        if (waiting > 0)
        {
            console.WriteLine();
            console.Write(new Text(Cut($"{snapshot.Waiting.Length} WAIT FOR YOU: gatehouse approve ID | deny ID", width) + "\n", s_asks));
            Asks(console, snapshot, width, waiting);
        }

        return written.ToString().TrimEnd('\n').Split('\n');
    }

    private static void Sessions(IAnsiConsole console, TopSnapshot snapshot, int width, int rows)
    {
        // From the least to the most dispensable where the terminal is narrow; the command takes what is left.
        var columns = Fit(width, [("SESSION", -24, 0), ("DENIED", 8, 1), ("COMMAND", -16, 2), ("ALLOWED", 8, 3), ("AGE", 7, 4), ("OUT", 9, 5), ("IN", 9, 5)],
            ["SESSION", "AGE", "ALLOWED", "DENIED", "OUT", "IN", "COMMAND"], "COMMAND");
        var table = Table(columns);
        foreach (var each in Shown(snapshot.Running, rows))
        {
            table.AddRow(columns.Select(IRenderable (column) => Cell(column, column.Name switch
            {
                "SESSION" => each.Session,
                "AGE" => Duration(each.Age),
                "ALLOWED" => Number(each.Allowed),
                "DENIED" => Number(each.Denied),
                "OUT" => Bytes.Display(each.Sent),
                "IN" => Bytes.Display(each.Received),
                _ => each.Command,
            }, each.Denied > 0 && column.Name == "DENIED" ? s_denied : Style.Plain)));
        }

        console.Write(table);
        if (snapshot.Running.IsEmpty)
            console.WriteLine("No session is running.");
        More(console, snapshot.Running.Length, rows, width);
    }

    private static void Asks(IAnsiConsole console, TopSnapshot snapshot, int width, int rows)
    {
        var columns = Fit(width, [("ID", -8, 0), ("DESTINATION", -16, 1), ("LEFT", 7, 2), ("SESSION", -24, 3)], ["ID", "DESTINATION", "LEFT", "SESSION"], "DESTINATION");
        var table = Table(columns);
        foreach (var each in Shown(snapshot.Waiting, rows))
        {
            table.AddRow(columns.Select(IRenderable (column) => Cell(column, column.Name switch
            {
                "ID" => each.Id,
                "LEFT" => Duration(each.Left),
                "SESSION" => each.Session,
                _ => each.Subject,
            }, Style.Plain)));
        }

        console.Write(table);
        More(console, snapshot.Waiting.Length, rows, width);
    }

    private static IEnumerable<T> Shown<T>(IReadOnlyCollection<T> all, int rows) => all.Take(all.Count > rows ? rows - 1 : rows);

    // In place of the last row.
    private static void More(IAnsiConsole console, int all, int rows, int width)
    {
        if (all > rows)
            console.WriteLine(Cut($"… and {all - rows + 1} more: see 'gatehouse sessions', 'gatehouse pending'", width));
    }

    /// <summary>Rows for the sessions and for the asks: half and half where both are many. An ask is what a person has to do something about.</summary>
    private static (int Running, int Waiting) Share(int height, int running, int waiting)
    {
        if (waiting == 0)
            return (Math.Max(1, height - 1), 0);
        var rows = Math.Max(2, height - 4);
        var asks = Math.Min(waiting, Math.Max(rows / 2, rows - Math.Max(1, running)));
        return (Math.Max(1, rows - asks), Math.Max(1, asks));
    }

    /// <summary>The columns that there is room for, in the order in which they are shown; one is as wide as what is left.</summary>
    private static Column[] Fit(int width, (string Name, int Width, int Rank)[] all, string[] order, string widest)
    {
        var (chosen, used) = (new List<Column>(), 0);
        foreach (var rank in all.GroupBy(column => column.Rank).OrderBy(rank => rank.Key))
        {
            var more = rank.Sum(column => Math.Abs(column.Width) + Gap);
            if (chosen.Count > 0 && used + more - Gap > width)
                break;
            used += more;
            chosen.AddRange(rank.Select(column => new Column(column.Name, Math.Min(width, Math.Abs(column.Width)), column.Width > 0)));
        }

        var left = Math.Max(0, width - used + Gap);
        return [.. order.Select(name => chosen.Find(column => column.Name == name)).OfType<Column>().Select(column => column.Name == widest ? column with { Width = column.Width + left } : column)];
    }

    private static Table Table(Column[] columns)
    {
        var table = new Table { Border = TableBorder.None };
        foreach (var (column, index) in columns.Select((column, index) => (column, index)))
        {
            table.AddColumn(new TableColumn(new Text(Cut(column.Name, column.Width), s_head))
            {
                Width = column.Width,
                NoWrap = true,
                Padding = new Padding(0, 0, index < columns.Length - 1 ? Gap : 0, 0),
                Alignment = column.IsNumber ? Justify.Right : Justify.Left,
            });
        }

        return table;
    }

    private static Text Cell(Column column, string text, Style style) => new(Cut(text, column.Width), style);

    /// <summary>Cut by cells; the library's own ellipsis counts UTF-16 units.</summary>
    internal static string Cut(string text, int width)
    {
        // A quarter of a megabyte of one name is measured no further than it is shown.
        var (kept, cells, fitting) = (new StringBuilder(), 0, 0);
        foreach (var rune in text.EnumerateRunes())
        {
            var next = cells + Cells(rune);
            if (next > width)
                return string.Concat(kept.ToString(0, fitting), "…");
            kept.Append(rune);
            cells = next;
            if (cells < width)
                fitting = kept.Length;
        }

        return kept.ToString();
    }

    private static int Cells(Rune rune) => rune.IsAscii ? 1 : new Segment(rune.ToString()).CellCount();

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Duration(TimeSpan time) => time <= TimeSpan.Zero ? "0s"
        : time.TotalDays >= 1 ? $"{(int)time.TotalDays}d{time.Hours:00}h"
        : time.TotalHours >= 1 ? $"{(int)time.TotalHours}h{time.Minutes:00}m"
        : time.TotalMinutes >= 1 ? $"{time.Minutes}m{time.Seconds:00}s" : $"{time.Seconds}s";

    /// <param name="Name">Heading.</param>
    /// <param name="Width">Cells.</param>
    /// <param name="IsNumber">To the right.</param>
    private sealed record Column(string Name, int Width, bool IsNumber);
}
