using System.Runtime.InteropServices;
using static Gatehouse.AgentSandbox.Enclosure.BpfProgram;

namespace Gatehouse.AgentSandbox.Enclosure;

/// <summary>
/// The seccomp filter of the agent (seccomp(2), struct seccomp_data: nr at 0, arch at 4, argument n at 16 + 8n, low word first).
/// Refuses what reaches other processes' memory, makes namespaces, loads code into the kernel, or has a history of kernel bugs and no use
/// in an agent's work. Numbers above those known here are ENOSYS: a program built for a newer kernel falls back.
/// </summary>
internal static class SystemCallFilter
{
    private const uint Allow = 0x7fff0000, Kill = 0x80000000, Errno = 0x00050000;
    private const uint EPERM = 1, ENOSYS = 38, EAFNOSUPPORT = 97;
    private const uint Nr = 0, Arch = 4, Arg0 = 16, Arg1 = 24, Arg2 = 32;

    /// <summary>CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET.</summary>
    private const uint NamespaceFlags = 0x7e020000;

    /// <summary>mseal(2), Linux 6.10: the newest call that was looked at.</summary>
    private const uint Newest = 462;

    private const uint TIOCSTI = 0x5412, TIOCLINUX = 0x541c, TIOCCONS = 0x541d;

    public static byte[] Assemble() => Assemble(RuntimeInformation.ProcessArchitecture);

    /// <exception cref="PlatformNotSupportedException">Neither x86-64 nor arm64.</exception>
    public static byte[] Assemble(Architecture architecture)
    {
        var calls = architecture switch
        {
            Architecture.X64 => SystemCallTable.X64,
            Architecture.Arm64 => SystemCallTable.Arm64,
            _ => throw new PlatformNotSupportedException($"no system call filter for {architecture}: use x86-64 or arm64"),
        };
        var program = new BpfProgram()
            .Statement(LoadWord, Arch)
            // A 32-bit call has other numbers, so no rule here would hold for it.
            .Branch(JumpEqual, calls.AuditArchitecture, null, "kill")
            .Statement(LoadWord, Nr)
            // x32 calls have bit 30 set, and so are above it too.
            .Branch(JumpGreaterOrEqual, Newest + 1, "enosys")
            .Branch(JumpEqual, calls.Socket, "socket")
            .Branch(JumpEqual, calls.Ioctl, "ioctl")
            .Branch(JumpEqual, calls.CloneProcess, "namespaces")
            .Branch(JumpEqual, calls.Unshare, "namespaces")
            .Branch(JumpEqual, calls.Personality, "personality")
            // Its flags are behind a pointer that a filter can not follow; libc falls back to clone(2).
            .Branch(JumpEqual, calls.Clone3, "enosys");
        foreach (var call in calls.Denied.Order())
            program.Branch(JumpEqual, call, "eperm");
        return program
            .Go("allow")
            .Label("socket") // AF_UNIX, AF_INET, AF_INET6, and of AF_NETLINK the one that getifaddrs(3) asks; AF_VSOCK would reach a VM's host
            .Statement(LoadWord, Arg0)
            .Branch(JumpEqual, 1, "allow")
            .Branch(JumpEqual, 2, "allow")
            .Branch(JumpEqual, 10, "allow")
            .Branch(JumpEqual, 16, null, "eafnosupport")
            .Statement(LoadWord, Arg2)
            .Branch(JumpEqual, 0, "allow", "eafnosupport")
            .Label("ioctl") // typing into the caller's terminal, CVE-2017-5226; the kernel looks at 32 bits of the request only
            .Statement(LoadWord, Arg1)
            .Branch(JumpEqual, TIOCSTI, "eperm")
            .Branch(JumpEqual, TIOCLINUX, "eperm")
            .Branch(JumpEqual, TIOCCONS, "eperm", "allow")
            .Label("namespaces")
            .Statement(LoadWord, Arg0)
            .Branch(JumpSet, NamespaceFlags, "eperm", "allow")
            .Label("personality") // Linux, a query, or Linux without address randomisation (debuggers)
            .Statement(LoadWord, Arg0)
            .Branch(JumpEqual, 0, "allow")
            .Branch(JumpEqual, 0xffffffff, "allow")
            .Branch(JumpEqual, 0x0040000, "allow", "eperm")
            .Label("allow").Statement(Return, Allow)
            .Label("eperm").Statement(Return, Errno | EPERM)
            .Label("enosys").Statement(Return, Errno | ENOSYS)
            .Label("eafnosupport").Statement(Return, Errno | EAFNOSUPPORT)
            .Label("kill").Statement(Return, Kill)
            .Assemble();
    }
}
