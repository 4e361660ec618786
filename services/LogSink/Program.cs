using Gatehouse.LogSink;
using Gatehouse.LogSink.Access;
using Gatehouse.LogSink.Store;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Options;

try
{
    var app = LogSinkApplication.Build(args);
    await app.RunAsync();
    return 0;
}
catch (Exception e) when (e is OptionsValidationException or ListeningRefusedException or StoreUnusableException or SqliteException or IOException)
{
    // What a person can put right is said in a line, not in a stack trace. 78: EX_CONFIG.
    await Console.Error.WriteLineAsync($"log-sink: {(e is SqliteException ? "the record can not be opened: " : "")}{e.Message}");
    return 78;
}
