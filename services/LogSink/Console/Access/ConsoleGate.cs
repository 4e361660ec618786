using Gatehouse.LogSink.Access;
using Microsoft.Extensions.Options;

namespace Gatehouse.LogSink.Console.Access;

/// <summary>
/// Everything below <c>/console</c>: one way in, by a link; then a cookie with each request; and never on behalf of another page. What passes continues with
/// the console as its base path, and reaches nothing else of the sink.
/// </summary>
internal sealed partial class ConsoleGate(RequestDelegate next, ConsoleAccess access, IOptions<LogSinkOptions> options, ILogger<ConsoleGate> log)
{
    public const string SignIn = "/console/sign-in", Links = "/console/links", SignOut = "/sign-out";

    /// <summary>As many as browsers keep of one host.</summary>
    private const int MostCookies = 200;

    private static readonly object s_passed = new();

    /// <summary>
    /// Scripts and connections of this origin alone. Styles may stand in elements: Fluent UI's components size themselves so; nothing of the agent's becomes markup.
    /// </summary>
    private const string ContentSecurityPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
        + "base-uri 'self'; form-action 'self'; frame-ancestors 'none'";

    /// <summary>Whether this request may see the console.</summary>
    public static bool HasPassed(HttpContext context) => context.Items.ContainsKey(s_passed);

    public Task InvokeAsync(HttpContext context)
    {
        var request = context.Request;
        // Making links is for the holder of the token, like all of the sink's own interface.
        if (!request.Path.StartsWithSegments("/console") || request.Path == Links)
            return next(context);
        SetHeaders(context.Response.Headers);
        if (!HostRules.IsOurs(request.Host, options.Value.AllowRemote))
            return RefuseAsync(context, StatusCodes.Status421MisdirectedRequest, "Open the console by the address that 'gatehouse console' prints.");
        if (request.Path == SignIn)
            return SignInAsync(context);
        if (IsForAnother(request))
            return RefuseAsync(context, StatusCodes.Status403Forbidden, "Another page asked for this. Open the console yourself: run 'gatehouse console'.");
        var ended = CancellationToken.None;
        var cookie = Cookies(request).FirstOrDefault(value => access.IsSignedIn(value, out ended));
        if (!request.Path.StartsWithSegments(access.Path, StringComparison.Ordinal, out var rest) || cookie is null)
            return RefuseAsync(context, StatusCodes.Status401Unauthorized, "You are not signed in. Run 'gatehouse console' in a terminal, and open the link that it prints.");
        if (rest == SignOut)
            return SignOutAsync(context, cookie);
        request.PathBase = access.Path;
        request.Path = rest.HasValue ? rest : "/";
        context.Items[s_passed] = true;
        return UntilAsync(context, ended);
    }

    // A page is one request that lasts as long as somebody looks at it, and takes answers all the while: it ends with what let it in.
    private async Task UntilAsync(HttpContext context, CancellationToken ended)
    {
        using (ended.UnsafeRegister(static context => ((HttpContext)context!).Abort(), context))
            await next(context);
    }

    // All of that name: a page on another port may set one for every path, which some would read in place of ours.
    private static IEnumerable<string> Cookies(HttpRequest request) => request.Headers.Cookie
        .SelectMany(header => (header ?? "").Split(';', StringSplitOptions.TrimEntries))
        .Where(cookie => cookie.StartsWith(ConsoleAccess.CookieName + "=", StringComparison.Ordinal))
        .Select(cookie => cookie[(ConsoleAccess.CookieName.Length + 1)..])
        .Take(MostCookies);

    private static void SetHeaders(IHeaderDictionary headers)
    {
        headers.ContentSecurityPolicy = ContentSecurityPolicy;
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        // Not "no-referrer": a browser then says "null" for the origin of its own forms and calls.
        headers["Referrer-Policy"] = "same-origin";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers.CacheControl = "no-store";
    }

    // Ports do not make a site: what an agent publishes on this machine is "same-site", and its requests carry what cookies they may.
    private static bool IsForAnother(HttpRequest request)
    {
        var origin = request.Headers.Origin;
        if (origin.Count > 0 && origin.ToString() != $"{request.Scheme}://{request.Host}")
            return true;
        if (request.Headers["Sec-Fetch-Site"] is { Count: > 0 } site && site.ToString() is not ("same-origin" or "none"))
            return true;
        // A browser always says whose connection or form it is.
        return origin.Count == 0 && (HttpMethods.IsPost(request.Method) || request.Headers.Upgrade.Count > 0 || HttpMethods.IsConnect(request.Method));
    }

    // Answered by a page that goes on by itself: after a redirect the first visit would still count as coming from elsewhere, without its cookie.
    private Task SignInAsync(HttpContext context)
    {
        if (!HttpMethods.IsGet(context.Request.Method) || context.Request.Query["key"] is not [{ Length: <= 128 } key] || access.Redeem(key) is not { } cookie)
            return RefuseAsync(context, StatusCodes.Status401Unauthorized, "This link was used, or is older than five minutes. Run 'gatehouse console' for a new one.");
        context.Response.Cookies.Append(ConsoleAccess.CookieName, cookie, new CookieOptions
        {
            HttpOnly = true,
            SameSite = SameSiteMode.Strict,
            Path = access.Path,
            MaxAge = ConsoleAccess.SignInLives,
            Secure = context.Request.IsHttps,
            IsEssential = true,
        });
        Log.SignedIn(log);
        return PlainPage.WriteAsync(context, StatusCodes.Status200OK, "Signed in", "Going to the console…", access.Path + "/");
    }

    private async Task SignOutAsync(HttpContext context, string cookie)
    {
        if (!HttpMethods.IsPost(context.Request.Method))
        {
            await RefuseAsync(context, StatusCodes.Status405MethodNotAllowed, "Sign out by the button of the console.");
            return;
        }

        access.SignOut(cookie);
        context.Response.Cookies.Delete(ConsoleAccess.CookieName, new CookieOptions { Path = access.Path, HttpOnly = true, SameSite = SameSiteMode.Strict });
        await PlainPage.WriteAsync(context, StatusCodes.Status200OK, "Signed out", "Run 'gatehouse console' to come back.");
    }

    private Task RefuseAsync(HttpContext context, int status, string why)
    {
        Log.Refused(log, status);
        return PlainPage.WriteAsync(context, status, "Gatehouse", why);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "A browser signed in to the console.")]
        public static partial void SignedIn(ILogger log);

        [LoggerMessage(2, LogLevel.Warning, "Refused a request to the console ({Status}).")]
        public static partial void Refused(ILogger log, int status);
    }
}
