// SPDX-License-Identifier: BSD-3-Clause
// What is decided before there is a member: addresses and descriptors.
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "tender/host_cpuid.h"
#include "tender/message.h"
#include "tender/process/descriptors.h"
#include "tender/process/gate.h"
#include "tender/process/member.h"

#define TABLE_SIZE      (1ull << 21) // what one page table maps
#define FAMILY_SIZE     (1ull << 40)
#define FAMILY_SIZE_MIN (1ull << 26)
#define KERNEL_SIZE_MAX (1ull << 26)
#define UPCALL_STACK    (UPCALL_STRIDE - PAGE_SIZE)
#define IMAGE_SIZE_MAX  (1ull << 40)
#define LOW_RANDOM_BITS 30 // of image_base: the image, kernel and family memory fit behind it

// The kernel's ELF must be what kernel.ld makes: read-only segments as long in memory as in the
// file, then a writable one. What is writable behind that the kernel loads itself (late_data): it
// is memory of the data segment here, and otherwise nothing.
static int plan_segments(struct member *m)
{
    struct elf *elf = &m->image.kernel;
    struct elf_segment s;

    for (u32 i = 0; elf_segment(elf, i, &s) > 0; i++) {
        struct elf_segment *last = m->segment_count ? &m->segments[m->segment_count - 1] : NULL;
        bool behind = last && last->flags & ELF_WRITE;
        if (s.type == ELF_DYNAMIC) {
            m->dynamic_address = s.address;
            m->dynamic_size = s.file_size;
        }
        if (s.type != ELF_LOAD)
            continue;
        if (behind && s.flags & ELF_WRITE && s.address >= last->address + last->memory_size) {
            last->memory_size = s.address + s.memory_size - last->address;
            continue;
        }
        if (behind || m->segment_count == MEMBER_SEGMENTS_MAX)
            return message_image(m->image.path, "its kernel: segments behind the data");
        if (s.flags & ELF_WRITE ? s.flags & ELF_EXECUTE || s.address % PAGE_SIZE
                                : s.file_size != s.memory_size)
            return message_image(m->image.path, "its kernel: unusable segments");
        m->segments[m->segment_count++] = s;
    }
    if (!m->segment_count || !(m->segments[m->segment_count - 1].flags & ELF_WRITE) ||
        elf->high > KERNEL_SIZE_MAX)
        return message_image(m->image.path, "its kernel: no data segment");
    return 0;
}

// Gate, upcall stack, the kernel's text and data and the first heap pages stand in one area of 2
// MiB, so that they share a page table: each table that a short-lived guest does not need is a
// microsecond.
static void plan_addresses(struct member *m, const u64 *random)
{
    const struct elf_segment *data = &m->segments[m->segment_count - 1];
    u64 behind = m->image_base + page_round_up(m->image.size) + PAGE_SIZE;

    m->gate_base =
        (behind + TABLE_SIZE - 1) / TABLE_SIZE * TABLE_SIZE + (random[0] & 63) * PAGE_SIZE;
    m->stack_base = m->gate_base + GATE_AREA + (1 + (random[0] >> 6 & 15)) * PAGE_SIZE;
    m->stack_size = UPCALL_STACK;
    m->kernel_base = m->stack_base + (m->cpu_count - 1) * UPCALL_STRIDE + m->stack_size +
                     (1 + (random[0] >> 10 & 31)) * PAGE_SIZE;
    m->family_base = m->kernel_base + data->address;
    m->network_offset = page_round_up(data->memory_size);
    m->boot_offset = m->network_offset + (m->network ? page_round_up(network_size(m->network)) : 0);
}

static int make_family(struct member *m)
{
    int fd = (int)syscall(SYS_memfd_create, "clade-family", 1u /* MFD_CLOEXEC */);
    int error = fd < 0 ? -errno : -ENOMEM;

    m->fds[FD_FAMILY] = fd;
    signal(SIGXFSZ, SIG_IGN); // under `ulimit -f` a smaller family must do
    for (u64 size = FAMILY_SIZE; fd >= 0 && size >= FAMILY_SIZE_MIN; size /= 4) {
        if (ftruncate(fd, (off_t)size)) {
            error = -errno;
            continue;
        }
        void *at = mmap((void *)m->family_base, size, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_FIXED_NOREPLACE | MAP_NORESERVE, fd, 0);
        if (at == (void *)m->family_base) {
            m->family_size = size;
            return 0;
        }
        error = -errno;
    }
    message("the host refuses memory for the guest: %s", message_error(-error));
    return -1;
}

// A program that was given a part of its terminal finds the rest in /dev/tty: `seq 1000 | clade run less`.
static int open_terminal(const int *stdio)
{
    bool input = isatty(stdio[0]), output = isatty(stdio[1]) || isatty(stdio[2]);

    return input == output ? -1 : open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
}

// In the order of FD_*: as a rule each gets the very number that it has to have in the member.
static int make_descriptors(struct member *m)
{
    const struct tender_config *config = m->config;

    m->fds[FD_IMAGE] = config->image_fd;
    m->fds[FD_DOORBELL] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    m->fds[FD_SUPERVISOR] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (m->fds[FD_DOORBELL] < 0 || m->fds[FD_SUPERVISOR] < 0) {
        message("can't make an eventfd: %s", message_error(errno));
        return -1;
    }
    memcpy(m->fds, config->stdio, sizeof(config->stdio));
    m->fds[FD_TERMINAL] = open_terminal(config->stdio);
    return 0;
}

static u32 host_processors(void)
{
    cpu_set_t set;

    return sched_getaffinity(0, sizeof(set), &set) ? 1 : (u32)CPU_COUNT(&set);
}

// More than one vCPU needs the rights to sleep, to wake another and to be interrupted. Nobody having said how many:
// as many as the processors that clade itself may use, if the image has the right to.
static int plan_vcpus(struct member *m)
{
    const u32 needed = RIGHT_MEMORY | RIGHT_TICK | RIGHT_FORK;
    u32 wanted = m->config->cpu_count ? m->config->cpu_count : m->image.manifest.cpus;

    if (!wanted)
        wanted = ~m->rights & (needed | RIGHT_VCPU) ? 1 : host_processors();
    m->cpu_count = min(wanted, MEMBER_CPUS_MAX);
    m->rights &= ~RIGHT_VCPU;
    if (m->cpu_count == 1)
        return 0;
    if ((m->rights & needed) != needed)
        return message_image(m->image.path, "several vCPUs need the rights memory, tick and fork");
    m->rights |= RIGHT_VCPU;
    return 0;
}

// An image without the right has no network, whatever is asked for.
static int plan_network(struct member *m)
{
    static struct network network;
    const struct tender_network *config = m->config->network;

    m->fds[FD_NETWORK] = -1;
    if (!config || config->kind == TENDER_NETWORK_NONE)
        m->rights &= ~RIGHT_NETWORK;
    if (!(m->rights & RIGHT_NETWORK)) {
        if (config && config->kind > TENDER_NETWORK_NONE)
            return message_image(m->image.path, "it has no right to a network (`right network`)");
        return 0;
    }
    network_plan(&network, config, m->random);
    m->network = &network;
    return 0;
}

static int open_network(struct member *m)
{
    if (!m->network)
        return 0;
    if (network_open(m->network))
        return -1;
    m->fds[FD_NETWORK] = m->network->fd;
    return 0;
}

int member_plan(struct member *m, const struct tender_config *config)
{
    struct {
        u64 bases[3];
        u8 seed[64];
    } random;

    struct sysinfo host;

    memset(m, 0, sizeof(*m));
    m->config = config;
    if (!sysinfo(&host))
        m->host_memory = (u64)host.totalram * host.mem_unit;
    if (getrandom(&random, sizeof(random), 0) != sizeof(random)) {
        message("the host has no random numbers: %s", message_error(errno));
        return -1;
    }
    memcpy(m->seed, random.seed, sizeof(m->seed));
    m->random = random.bases[2];
    m->image_base = KERNEL_LOW + (random.bases[0] & ((1ull << LOW_RANDOM_BITS) - 1)) * PAGE_SIZE;
    if (image_open(&m->image, config->image_fd, config->image_path))
        return -1;
    m->rights = m->image.manifest.rights;
    if (plan_vcpus(m))
        return -1;
    if (m->image.size > IMAGE_SIZE_MAX)
        return message_image(m->image.path, "too large");
    if (plan_segments(m))
        return -1;
    if (plan_network(m))
        return -1;
    plan_addresses(m, random.bases + 1);
    if (config->cpuid_file)
        m->cpuid = host_cpuid_read(config->cpuid_file, &m->cpuid_count);
    if (make_family(m) || make_descriptors(m) || open_network(m))
        return -1;
    m->supervisor_pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
    return 0;
}
