// SPDX-License-Identifier: BSD-3-Clause
// The control socket: "\0clade/UID/PID", where UID is the user and PID the supervisor.
//
// In the abstract namespace, so nothing is left behind even by kill -9. It has no file mode, so
// each client's user is asked for (SO_PEERCRED): root and our own user are served. One client at a
// time.
//
// A command a line; the answer is lines `key value`, then an empty line:
//     status   pid, uptime_ms, memory, memory_peak
//     inspect  the same and image, program, rights, calls, and the filter as `filter CODE JT JF K`
//     lines stop     SIGTERM to the guest kill     ends it at once
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tender/process/gate.h"
#include "tender/process/sandbox.h"
#include "tender/supervisor.h"

#define PATIENCE_MS 200 // for a client that does not read its answer

void control_open(struct supervisor *s)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int size = snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, "clade/%u/%d", getuid(),
                        (int)getpid());
    socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)size);

    s->settled = true;
    if (fd >= 0 && (bind(fd, (struct sockaddr *)&name, length) || listen(fd, 4))) {
        close(fd); // someone sits on the name: this guest can't be controlled, but runs
        return;
    }
    s->control_fd = fd;
}

void control_accept(struct supervisor *s)
{
    struct timeval patience = {0, PATIENCE_MS * 1000};
    struct ucred peer;
    socklen_t size = sizeof(peer);
    int fd = accept4(s->control_fd, NULL, NULL, SOCK_CLOEXEC);

    if (fd < 0)
        return;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) ||
        (peer.uid != 0 && peer.uid != getuid()) ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience))) {
        close(fd);
        return;
    }
    s->client_fd = fd;
}

static void say(struct supervisor *s, const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    int size = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (s->client_fd < 0 || size < 0 || size >= (int)sizeof(text))
        return;
    if (send(s->client_fd, text, (size_t)size, MSG_NOSIGNAL) == size)
        return;
    close(s->client_fd); // gone, or it does not read
    s->client_fd = -1;
}

static void say_status(struct supervisor *s)
{
    memory_watch(s);
    say(s, "pid %d\nuptime_ms %llu\nmemory %llu\nmemory_peak %llu\n", (int)s->pid,
        (unsigned long long)((supervisor_now() - s->start_time) / 1000000),
        (unsigned long long)s->memory_used, (unsigned long long)s->memory_peak);
}

static void say_inspection(struct supervisor *s)
{
    struct sock_filter filter[SANDBOX_FILTER_MAX];
    const struct member *m = s->member;
    const struct boot_info *boot = member_boot(m);
    u32 count = sandbox_filter(filter, m->rights, m->gate_base, GATE_AREA);

    say_status(s);
    say(s, "image %s\nprogram %s\n", m->image.path,
        m->config->program ? m->config->program : m->image.manifest.program);
    for (u32 right = 1; right; right <<= 1)
        if (m->rights & right)
            say(s, "right %s\n", manifest_right_name(right));
    say(s, "calls %s\n", sandbox_calls(m->rights));
    say(s, "gate %#llx %u\nready_us %llu\n", (unsigned long long)m->gate_base, (u32)GATE_AREA,
        (unsigned long long)(boot->mailbox.ready_time - s->start_time) / 1000);
    for (u32 i = 0; i < count; i++)
        say(s, "filter %#x %u %u %#x\n", filter[i].code, filter[i].jt, filter[i].jf, filter[i].k);
}

static void serve(struct supervisor *s, const char *command)
{
    if (!strcmp(command, "status")) {
        say_status(s);
    } else if (!strcmp(command, "inspect")) {
        say_inspection(s);
    } else if (!strcmp(command, "stop")) {
        supervisor_signal(s, SIGTERM);
    } else if (!strcmp(command, "kill")) {
        s->killed = true;
        kill(s->pid, SIGKILL);
    } else {
        say(s, "error unknown command\n");
    }
    say(s, "\n");
}

void control_read(struct supervisor *s)
{
    char command[64];
    ssize_t size = recv(s->client_fd, command, sizeof(command) - 1, MSG_DONTWAIT);

    if (size <= 0) {
        if (size == 0 || errno != EAGAIN) {
            close(s->client_fd);
            s->client_fd = -1;
        }
        return;
    }
    command[size] = 0;
    command[strcspn(command, "\r\n")] = 0;
    serve(s, command);
}
