// SPDX-License-Identifier: BSD-3-Clause
// Signals of faults: true si_code, si_addr and ucontext (rip, registers, trapno, err, cr2), and
// contexts changed by the handler.
#include "harness.h"

#include <ucontext.h>

static struct {
    siginfo_t info;
    greg_t registers[NGREG];
    int signal, skip;
} fault;

static void note_fault(int signal, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    fault.signal = signal;
    fault.info = *info;
    memcpy(fault.registers, uc->uc_mcontext.gregs, sizeof(fault.registers));
    uc->uc_mcontext.gregs[REG_RIP] += fault.skip;
}

static void expect_faults(int skip)
{
    memset(&fault, 0, sizeof(fault));
    fault.skip = skip;
    on_signal(SIGSEGV, note_fault, 0);
    on_signal(SIGBUS, note_fault, 0);
    on_signal(SIGFPE, note_fault, 0);
    on_signal(SIGILL, note_fault, 0);
    on_signal(SIGTRAP, note_fault, 0);
}

// "mov (%rdi), %al" is two bytes, so is "mov %al, (%rdi)".
static void load(const void *address)
{
    __asm__ volatile("movb (%%rdi), %%al" : : "D"(address) : "rax", "memory");
}

static void store(const void *address)
{
    __asm__ volatile("movb %%al, (%%rdi)" : : "D"(address) : "rax", "memory");
}

CASE(read_of_unmapped_memory)
{
    expect_faults(2);
    load((void *)0x5000);
    EXPECT_EQ(fault.signal, SIGSEGV);
    EXPECT_EQ(fault.info.si_code, SEGV_MAPERR);
    EXPECT(fault.info.si_addr == (void *)0x5000);
    EXPECT_EQ(fault.registers[REG_TRAPNO], 14);
    EXPECT_EQ(fault.registers[REG_ERR], 4);
    EXPECT_EQ(fault.registers[REG_CR2], 0x5000);
    EXPECT_EQ(fault.registers[REG_RDI], 0x5000);
}

CASE(write_of_unmapped_memory)
{
    expect_faults(2);
    store(NULL);
    EXPECT_EQ(fault.signal, SIGSEGV);
    EXPECT_EQ(fault.info.si_code, SEGV_MAPERR);
    EXPECT(fault.info.si_addr == NULL);
    EXPECT_EQ(fault.registers[REG_ERR], 6);
}

CASE(write_of_read_only_memory)
{
    char *page = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    expect_faults(2);
    load(page + 8); // brings it in
    EXPECT_EQ(fault.signal, 0);
    store(page + 8);
    EXPECT_EQ(fault.signal, SIGSEGV);
    EXPECT_EQ(fault.info.si_code, SEGV_ACCERR);
    EXPECT(fault.info.si_addr == page + 8);
    EXPECT_EQ(fault.registers[REG_ERR], 7);
    munmap(page, PAGE);
}

CASE(no_access_memory)
{
    char *page = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    expect_faults(2);
    load(page);
    EXPECT_EQ(fault.signal, SIGSEGV);
    EXPECT_EQ(fault.info.si_code, SEGV_ACCERR);
    EXPECT(fault.info.si_addr == page);
    munmap(page, PAGE);
}

CASE(text_of_the_program_is_read_only)
{
    expect_faults(2);
    store((void *)(uintptr_t)load);
    EXPECT_EQ(fault.signal, SIGSEGV);
    EXPECT_EQ(fault.info.si_code, SEGV_ACCERR);
}

CASE(non_canonical_address)
{
    expect_faults(2);
    load((void *)0x8000000000000000ul);
    EXPECT_EQ(fault.signal, SIGSEGV);
    EXPECT_EQ(fault.info.si_code, SI_KERNEL);
    EXPECT(fault.info.si_addr == NULL);
    EXPECT_EQ(fault.registers[REG_TRAPNO], 13);
}

CASE(kernel_half_address)
{
    expect_faults(2);
    load((void *)0xffffffff80000000ul);
    EXPECT_EQ(fault.signal, SIGSEGV);
    EXPECT_EQ(fault.registers[REG_TRAPNO], 14);
    EXPECT(fault.info.si_addr == (void *)0xffffffff80000000ul);
}

CASE(execution_of_data)
{
    static unsigned char code[16] = {0xc3};
    siginfo_t info;
    int got = fault_of((void (*)(void *))(uintptr_t)code, NULL, &info);
    EXPECT_EQ(got, SIGSEGV);
    EXPECT_EQ(info.si_code, SEGV_ACCERR);
    EXPECT(info.si_addr == code);
}

CASE(jump_to_nowhere)
{
    siginfo_t info;
    int got = fault_of((void (*)(void *))0x6000, NULL, &info);
    EXPECT_EQ(got, SIGSEGV);
    EXPECT_EQ(info.si_code, SEGV_MAPERR);
    EXPECT(info.si_addr == (void *)0x6000);
}

CASE(integer_division_by_zero)
{
    int divisor = 0;
    expect_faults(2);
    __asm__ volatile("xor %%edx, %%edx\n\tmov $1, %%eax\n\tdivl %%ecx"
                     :
                     : "c"(divisor)
                     : "rax", "rdx");
    EXPECT_EQ(fault.signal, SIGFPE);
    EXPECT_EQ(fault.info.si_code, FPE_INTDIV);
    EXPECT(fault.info.si_addr == (void *)fault.registers[REG_RIP]);
    EXPECT_EQ(fault.registers[REG_TRAPNO], 0);
}

CASE(floating_point_exception)
{
    unsigned old, unmasked = 0x1f80 & ~0x0200u; // divide by zero raises
    expect_faults(4);
    __asm__ volatile("stmxcsr %0" : "=m"(old));
    __asm__ volatile("ldmxcsr %0\n\tpxor %%xmm0, %%xmm0\n\tpcmpeqd %%xmm1, %%xmm1\n\t"
                     "psrlq $54, %%xmm1\n\tpsllq $52, %%xmm1\n\t" // 1.0
                     "divsd %%xmm0, %%xmm1"
                     :
                     : "m"(unmasked)
                     : "xmm0", "xmm1");
    __asm__ volatile("ldmxcsr %0" : : "m"(old));
    EXPECT_EQ(fault.signal, SIGFPE);
    EXPECT_EQ(fault.info.si_code, FPE_FLTDIV);
    EXPECT_EQ(fault.registers[REG_TRAPNO], 19);
}

CASE(illegal_instruction)
{
    expect_faults(2);
    __asm__ volatile("ud2");
    EXPECT_EQ(fault.signal, SIGILL);
    EXPECT_EQ(fault.info.si_code, ILL_ILLOPN);
    EXPECT(fault.info.si_addr == (void *)fault.registers[REG_RIP]);
    EXPECT_EQ(fault.registers[REG_TRAPNO], 6);
}

CASE(privileged_instruction)
{
    expect_faults(1);
    __asm__ volatile("hlt");
    EXPECT_EQ(fault.signal, SIGSEGV);
    EXPECT_EQ(fault.info.si_code, SI_KERNEL);
    EXPECT_EQ(fault.registers[REG_TRAPNO], 13);
}

// With the alignment check of rflags on, which must not reach the kernel. Neither may the C library run so.
static void alignment_check(int on)
{
    if (on)
        __asm__ volatile("pushf\n\torl $0x40000, (%%rsp)\n\tpopf" ::: "cc", "memory");
    else
        __asm__ volatile("pushf\n\tandl $~0x40000, (%%rsp)\n\tpopf" ::: "cc", "memory");
}

CASE(alignment_check)
{
    static struct {
        char byte;
        char path[15];
    } odd = {0, "missing"};
    long result[50];

    expect_faults(1);
    __asm__ volatile("pushf\n\torl $0x40000, (%%rsp)\n\tpopf\n\thlt\n\t"
                     "pushf\n\tandl $~0x40000, (%%rsp)\n\tpopf" ::: "cc", "memory");
    EXPECT_EQ(fault.signal, SIGSEGV);
    EXPECT(fault.registers[REG_EFL] & 0x40000);
    for (int i = 0; i < 50; i++) { // of which the first traps
        alignment_check(1);
        __asm__ volatile("syscall" : "=a"(result[i]) : "0"(SYS_access), "D"(odd.path), "S"(0) : "rcx", "r11", "memory");
        alignment_check(0);
    }
    EXPECT_EQ(result[0], -ENOENT);
    EXPECT_EQ(result[49], -ENOENT);
}

static volatile sig_atomic_t bad_signal;

static void bad_return(int signal, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;

    bad_signal = signal;
    if (signal == SIGSEGV)
        uc->uc_mcontext.gregs[REG_RIP] = uc->uc_mcontext.gregs[REG_R12]; // what the case left there
    else
        uc->uc_mcontext.gregs[REG_RIP] = (greg_t)0x8000000000000000;
}

// The kernel can't go on at such an address, and the program hears of it.
CASE(return_to_no_address)
{
    on_signal(SIGUSR1, bad_return, 0);
    on_signal(SIGSEGV, bad_return, 0);
    __asm__ volatile("lea 1f(%%rip), %%r12\n\tsyscall\n1:"
                     :
                     : "a"(SYS_tgkill), "D"(getpid()), "S"(thread_id()), "d"(SIGUSR1)
                     : "rcx", "r11", "r12", "memory");
    EXPECT_EQ(bad_signal, SIGSEGV);
}

CASE(handler_at_no_address)
{
    struct sigaction a = {.sa_sigaction = (signal_handler)0x8000000000000000, .sa_flags = SA_SIGINFO};

    sigaction(SIGUSR1, &a, NULL);
    raise(SIGUSR1);
}

CASE(breakpoint_instruction)
{
    uintptr_t after;
    expect_faults(0);
    __asm__ volatile("int3\n1:\tlea 1b(%%rip), %0" : "=r"(after));
    EXPECT_EQ(fault.signal, SIGTRAP);
    EXPECT_EQ(fault.info.si_code, SI_KERNEL);
    EXPECT_EQ(fault.registers[REG_TRAPNO], 3);
    EXPECT_EQ(fault.registers[REG_RIP], after); // behind the int3
}

CASE(single_step_by_the_trap_flag)
{
    expect_faults(0);
    __asm__ volatile("sub $128, %%rsp\n\tpushfq\n\torq $0x100, (%%rsp)\n\tpopfq\n\tnop\n\t"
                     "pushfq\n\tandq $-257, (%%rsp)\n\tpopfq\n\tadd $128, %%rsp"
                     :
                     :
                     : "memory", "cc");
    EXPECT_EQ(fault.signal, SIGTRAP);
    EXPECT_EQ(fault.info.si_code, TRAP_TRACE);
}

CASE(registers_are_true_at_the_fault)
{
    expect_faults(2);
    __asm__ volatile("mov $0x1111, %%rbx\n\tmov $0x2222, %%r8\n\tmov $0x3333, %%r12\n\t"
                     "mov $0x4444, %%r15\n\tmov $0x7000, %%rdi\n\tstc\n\tmovb (%%rdi), %%al"
                     :
                     :
                     : "rax", "rbx", "rdi", "r8", "r12", "r15", "cc");
    EXPECT_EQ(fault.registers[REG_RBX], 0x1111);
    EXPECT_EQ(fault.registers[REG_R8], 0x2222);
    EXPECT_EQ(fault.registers[REG_R12], 0x3333);
    EXPECT_EQ(fault.registers[REG_R15], 0x4444);
    EXPECT_EQ(fault.registers[REG_EFL] & 1, 1);
    EXPECT_EQ(fault.registers[REG_CSGSFS] & 0xffff, 0x33);
}

static void change_registers(int signal, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    (void)signal, (void)info;
    uc->uc_mcontext.gregs[REG_RBX] = 0x5555;
    uc->uc_mcontext.gregs[REG_R13] = 0x6666;
    uc->uc_mcontext.gregs[REG_RIP] += 2;
    uc->uc_mcontext.fpregs->_xmm[3].element[0] = 0xabcd;
}

CASE(handler_changes_registers)
{
    uint64_t rbx, r13, xmm;
    on_signal(SIGSEGV, change_registers, 0);
    __asm__ volatile(
        "mov $0x7000, %%rdi\n\tmovb (%%rdi), %%al\n\tmov %%rbx, %0\n\tmov %%r13, %1\n\t"
        "movq %%xmm3, %2"
        : "=&r"(rbx), "=&r"(r13), "=&r"(xmm)
        :
        : "rax", "rbx", "rdi", "r13", "xmm3");
    EXPECT_EQ(rbx, 0x5555);
    EXPECT_EQ(r13, 0x6666);
    EXPECT_EQ(xmm & 0xffffffff, 0xabcd);
}

static char *lazy_page;

static void map_it(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)context;
    signal_count++;
    mprotect((void *)((uintptr_t)info->si_addr & ~(PAGE - 1)), PAGE, PROT_READ | PROT_WRITE);
}

CASE(handler_repairs_the_mapping)
{
    lazy_page = mmap(NULL, 4 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    on_signal(SIGSEGV, map_it, 0);
    for (size_t i = 0; i < 4; i++)
        *(volatile char *)(lazy_page + i * PAGE + 5) = (char)i; // as garbage collectors do
    EXPECT_EQ(signal_count, 4);
    EXPECT_EQ(lazy_page[3 * PAGE + 5], 3);
    munmap(lazy_page, 4 * PAGE);
}

CASE(fault_in_a_thread)
{
    char *page = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    on_signal(SIGSEGV, map_it, 0);
    thread_join(thread_start((void *(*)(void *))(uintptr_t)store, page));
    EXPECT_EQ(signal_count, 1);
    munmap(page, PAGE);
}

static void load_in_handler(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)info, (void)context;
    load((void *)0x8000);
    signal_count++;
}

CASE(fault_inside_a_handler)
{
    expect_faults(2);
    on_signal(SIGUSR1, load_in_handler, 0);
    raise(SIGUSR1);
    EXPECT_EQ(signal_count, 1);
    EXPECT(fault.info.si_addr == (void *)0x8000);
}

static const struct test_case cases[] = {
    ENTRY(read_of_unmapped_memory),
    ENTRY(write_of_unmapped_memory),
    ENTRY(write_of_read_only_memory),
    ENTRY(no_access_memory),
    ENTRY(text_of_the_program_is_read_only),
    ENTRY(non_canonical_address),
    ENTRY(kernel_half_address),
    ENTRY(execution_of_data),
    ENTRY(jump_to_nowhere),
    ENTRY(integer_division_by_zero),
    ENTRY(floating_point_exception),
    ENTRY(illegal_instruction),
    ENTRY(privileged_instruction),
    ENTRY(alignment_check),
    ENTRY(return_to_no_address),
    ENDS(handler_at_no_address, 139),
    ENTRY(breakpoint_instruction),
    ENTRY(single_step_by_the_trap_flag),
    ENTRY(registers_are_true_at_the_fault),
    ENTRY(handler_changes_registers),
    ENTRY(handler_repairs_the_mapping),
    ENTRY(fault_in_a_thread),
    ENTRY(fault_inside_a_handler),
};
TEST_MAIN(cases)
