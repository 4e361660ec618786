using Gatehouse.LogSink.Forwarding;

namespace Gatehouse.LogSink.Otlp;

/// <summary><c>ExportLogsServiceResponse</c>: what of it the receiver did not keep. It must not be sent again (OTLP 1.x §Partial Success).</summary>
internal static class PartialSuccess
{
    public static ForwardOutcome Read(ReadOnlySpan<byte> response)
    {
        var (dropped, message) = (0L, (string?)null);
        var fields = new ProtoReader(response);
        while (fields.TryReadField())
        {
            if (fields.Field != 1)
                continue;
            var partial = new ProtoReader(fields.Bytes);
            while (partial.TryReadField())
            {
                if (partial.Field == 1)
                    dropped = Math.Max(0, (long)partial.Value);
                else if (partial.Field == 2 && !partial.Bytes.IsEmpty)
                    message = ForwardOutcome.Short(partial.Text);
            }
        }

        return new(ForwardStatus.Accepted, message, Dropped: dropped);
    }
}
