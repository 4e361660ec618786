namespace Gatehouse.AgentSandbox.Enclosure;

/// <summary>Numbers of the calls that <see cref="SystemCallFilter"/> looks at, by architecture (arch/x86/entry/syscalls, asm-generic/unistd.h).</summary>
internal sealed record SystemCallTable(
    uint AuditArchitecture, uint Socket, uint Ioctl, uint CloneProcess, uint Unshare, uint Personality, uint Clone3, uint[] Denied)
{
    /// <summary>The same number on every architecture since Linux 5.1.</summary>
    private static readonly uint[] s_common =
    [
        425, 426, 427,           // io_uring_setup, io_uring_enter, io_uring_register
        428, 429, 430, 431, 432, 433, 442, // open_tree, move_mount, fsopen, fsconfig, fsmount, fspick, mount_setattr
        438,                     // pidfd_getfd
        440,                     // process_madvise
        443,                     // quotactl_fd
        457, 458,                // statmount, listmount
    ];

    public static readonly SystemCallTable X64 = new(0xc000003e, 41, 16, 56, 272, 135, 435,
    [
        .. s_common,
        101, 310, 311, 312,      // ptrace, process_vm_readv, process_vm_writev, kcmp
        103,                     // syslog
        134, 136, 139, 156,      // uselib, ustat, sysfs, _sysctl
        155, 165, 166, 161,      // pivot_root, mount, umount2, chroot
        163, 179, 167, 168, 169, // acct, quotactl, swapon, swapoff, reboot
        164, 227, 305, 159,      // settimeofday, clock_settime, clock_adjtime, adjtimex
        170, 171,                // sethostname, setdomainname
        172, 173,                // iopl, ioperm
        174, 175, 176, 177, 178, 313, // create_module, init_module, delete_module, get_kernel_syms, query_module, finit_module
        180, 212, 236,           // nfsservctl, lookup_dcookie, vserver
        246, 320,                // kexec_load, kexec_file_load
        248, 249, 250,           // add_key, request_key, keyctl
        256, 279,                // migrate_pages, move_pages
        298, 321, 323,           // perf_event_open, bpf, userfaultfd
        300, 303, 304,           // fanotify_init, name_to_handle_at, open_by_handle_at
        308,                     // setns
    ]);

    public static readonly SystemCallTable Arm64 = new(0xc00000b7, 198, 29, 220, 97, 92, 435,
    [
        .. s_common,
        117, 270, 271, 272,      // ptrace, process_vm_readv, process_vm_writev, kcmp
        116,                     // syslog
        41, 40, 39, 51,          // pivot_root, mount, umount2, chroot
        89, 60, 224, 225, 142,   // acct, quotactl, swapon, swapoff, reboot
        170, 112, 266, 171,      // settimeofday, clock_settime, clock_adjtime, adjtimex
        161, 162,                // sethostname, setdomainname
        105, 106, 273,           // init_module, delete_module, finit_module
        42, 18,                  // nfsservctl, lookup_dcookie
        104, 294,                // kexec_load, kexec_file_load
        217, 218, 219,           // add_key, request_key, keyctl
        238, 239,                // migrate_pages, move_pages
        241, 280, 282,           // perf_event_open, bpf, userfaultfd
        262, 264, 265,           // fanotify_init, name_to_handle_at, open_by_handle_at
        268,                     // setns
    ]);
}
