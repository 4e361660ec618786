using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Gatehouse.AgentSandbox.Enclosure;

namespace Gatehouse.AgentSandbox.Tests.Enclosure;

public sealed class SystemCallFilterTests
{
    private const uint Allow = 0x7fff0000, Eperm = 0x00050001, Enosys = 0x00050026, Eafnosupport = 0x00050061, Kill = 0x80000000;
    private const uint X64 = 0xc000003e, Arm64 = 0xc00000b7, I386 = 0x40000003;

    [Theory]
    [InlineData(0, 0, 0, 0, Allow)]                     // read
    [InlineData(59, 0, 0, 0, Allow)]                    // execve
    [InlineData(101, 0, 0, 0, Eperm)]                   // ptrace
    [InlineData(250, 0, 0, 0, Eperm)]                   // keyctl
    [InlineData(321, 0, 0, 0, Eperm)]                   // bpf
    [InlineData(323, 0, 0, 0, Eperm)]                   // userfaultfd
    [InlineData(425, 0, 0, 0, Eperm)]                   // io_uring_setup
    [InlineData(165, 0, 0, 0, Eperm)]                   // mount
    [InlineData(310, 0, 0, 0, Eperm)]                   // process_vm_readv
    [InlineData(435, 0, 0, 0, Enosys)]                  // clone3
    [InlineData(462, 0, 0, 0, Allow)]                   // mseal, the newest that is known
    [InlineData(463, 0, 0, 0, Enosys)]
    [InlineData(0x40000000, 0, 0, 0, Enosys)]           // x32 read
    [InlineData(41, 1, 1, 0, Allow)]                    // socket AF_UNIX
    [InlineData(41, 2, 1, 0, Allow)]
    [InlineData(41, 10, 2, 0, Allow)]
    [InlineData(41, 16, 3, 0, Allow)]                   // NETLINK_ROUTE
    [InlineData(41, 16, 3, 12, Eafnosupport)]           // NETLINK_NETFILTER
    [InlineData(41, 17, 3, 0, Eafnosupport)]            // AF_PACKET
    [InlineData(41, 38, 5, 0, Eafnosupport)]            // AF_ALG
    [InlineData(41, 40, 1, 0, Eafnosupport)]            // AF_VSOCK
    [InlineData(16, 0, 0x5412, 0, Eperm)]               // TIOCSTI
    [InlineData(16, 0, 0x1_0000_5412, 0, Eperm)]        // the kernel looks at 32 bits only (CVE-2017-5226 follow-ups)
    [InlineData(16, 0, 0x541c, 0, Eperm)]               // TIOCLINUX
    [InlineData(16, 0, 0x5413, 0, Allow)]               // TIOCGWINSZ
    [InlineData(56, 0x01200011, 0, 0, Allow)]           // fork
    [InlineData(56, 0x10000000, 0, 0, Eperm)]           // clone NEWUSER
    [InlineData(56, 0x00020000, 0, 0, Eperm)]           // clone NEWNS
    [InlineData(272, 0x10000000, 0, 0, Eperm)]          // unshare NEWUSER
    [InlineData(272, 0x00000400, 0, 0, Allow)]          // unshare FILES
    [InlineData(135, 0xffffffff, 0, 0, Allow)]          // personality, query
    [InlineData(135, 0x0400000, 0, 0, Eperm)]           // READ_IMPLIES_EXEC
    public void Filter_OnX64_AnswersAsTheTableSays(uint call, ulong arg0, ulong arg1, ulong arg2, uint expected) =>
        Assert.Equal(expected, Run(Architecture.X64, X64, call, arg0, arg1, arg2));

    [Theory]
    [InlineData(63, 0, Allow)]                          // read
    [InlineData(117, 0, Eperm)]                         // ptrace
    [InlineData(219, 0, Eperm)]                         // keyctl
    [InlineData(280, 0, Eperm)]                         // bpf
    [InlineData(220, 0x10000000, Eperm)]                // clone NEWUSER
    [InlineData(198, 17, Eafnosupport)]                 // socket AF_PACKET
    [InlineData(435, 0, Enosys)]
    public void Filter_OnArm64_AnswersAsTheTableSays(uint call, ulong arg0, uint expected) =>
        Assert.Equal(expected, Run(Architecture.Arm64, Arm64, call, arg0, 0, 0));

    [Theory]
    [InlineData(I386)]
    [InlineData(Arm64)]
    [InlineData(0)]
    public void Filter_OtherArchitecture_Kills(uint architecture) => Assert.Equal(Kill, Run(Architecture.X64, architecture, 0, 0, 0, 0));

    [Fact]
    public void Filter_EveryDeniedCall_IsDenied() =>
        Assert.All(SystemCallTable.X64.Denied, call => Assert.Equal(Eperm, Run(Architecture.X64, X64, call, 0, 0, 0)));

    private static uint Run(Architecture architecture, uint audit, uint call, ulong arg0, ulong arg1, ulong arg2)
    {
        var data = new byte[64];
        BinaryPrimitives.WriteUInt32LittleEndian(data, call);
        BinaryPrimitives.WriteUInt32LittleEndian(data.AsSpan(4), audit);
        BinaryPrimitives.WriteUInt64LittleEndian(data.AsSpan(16), arg0);
        BinaryPrimitives.WriteUInt64LittleEndian(data.AsSpan(24), arg1);
        BinaryPrimitives.WriteUInt64LittleEndian(data.AsSpan(32), arg2);
        return BpfInterpreter.Run(SystemCallFilter.Assemble(architecture), data, littleEndian: true);
    }
}
