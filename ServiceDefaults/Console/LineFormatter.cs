using System.Globalization;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace Gatehouse.ServiceDefaults.Console;

/// <summary>
/// <c>15:30:12.048 warn Gatehouse.EgressProxy.Tunnel[3] message | exception</c>, always one line: messages carry what an agent sent, and
/// neither a line break nor an escape sequence of its making may forge a line or drive the terminal.
/// </summary>
internal sealed class LineFormatter(TimeProvider time, bool colour) : ConsoleFormatter(FormatterName)
{
    public const string FormatterName = "line";

    private const string Reset = "\e[0m";

    public override void Write<TState>(in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
    {
        var (word, code) = Level(logEntry.LogLevel);
        textWriter.Write(time.GetLocalNow().ToString("HH:mm:ss.fff", CultureInfo.InvariantCulture));
        textWriter.Write(' ');
        if (colour)
            textWriter.Write(code);
        textWriter.Write(word);
        if (colour)
            textWriter.Write(Reset);
        textWriter.Write(' ');
        textWriter.Write(logEntry.Category);
        textWriter.Write('[');
        textWriter.Write(logEntry.EventId.Id);
        textWriter.Write("] ");
        PlainText.Write(textWriter, logEntry.Formatter(logEntry.State, logEntry.Exception));
        if (logEntry.Exception is { } exception)
        {
            textWriter.Write(" | ");
            PlainText.Write(textWriter, exception.ToString());
        }

        textWriter.Write('\n');
    }

    private static (string Word, string Code) Level(LogLevel level) => level switch
    {
        LogLevel.Trace => ("trce", "\e[90m"),
        LogLevel.Debug => ("dbug", "\e[90m"),
        LogLevel.Information => ("info", "\e[32m"),
        LogLevel.Warning => ("warn", "\e[33m"),
        LogLevel.Error => ("fail", "\e[31m"),
        _ => ("crit", "\e[41m"),
    };
}
