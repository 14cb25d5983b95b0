// SPDX-License-Identifier: BSD-3-Clause
// execve(2): which file to load, scripts included; then exec_load.c and exec_stack.c.
#include "process/exec.h"

#include <asm/signal.h>
#include <asm/stat.h>
#include <linux/mount.h>

#include "abi/boot.h"
#include "base/string.h"
#include "file/path.h"
#include "linux/path_argument.h"
#include "memory/heap.h"
#include "platform/platform.h"
#include "x86_64/cpu.h"
#include "x86_64/frame.h"
#include "x86_64/offsets.h"
#include "thread/thread.h"

#define SCRIPT_DEPTH_MAX 5
#define SCRIPT_LINE_MAX  256 // BINPRM_BUF_SIZE

struct script { // a "#!interpreter [argument]" line
    char line[SCRIPT_LINE_MAX + 1];
    char *interpreter, *argument;
};

static bool is_script(struct file *f)
{
    u64 position = 0;
    char magic[2];
    struct io io;

    io_init_kernel(&io, magic, sizeof(magic));
    return f->ops->read(f, &io, &position) == sizeof(magic) && magic[0] == '#' && magic[1] == '!';
}

int exec_file_open(const char *path, struct file **out)
{
    struct dentry *d;
    struct inode *i;
    int error = path_lookup(AT_FDCWD, path, LOOKUP_FOLLOW, &d, NULL); // it need not be readable

    if (error)
        return error;
    i = d->inode;
    error = (i->mode & S_IFMT) != S_IFREG || i->file_system->flags & MS_NOEXEC || !(i->mode & 0111)
                ? -EACCES
                : inode_permission(i, /*may=*/1);
    if (!error)
        error = inode_writers_add(i, -1);
    if (!error) {
        error = dentry_open(d, O_RDONLY, out);
        if (error)
            inode_writers_drop(i, -1);
    }
    dentry_put(d);
    return error;
}

void exec_file_put(struct file *f)
{
    if (!f)
        return;
    inode_writers_drop(f->inode, -1);
    file_put(f);
}

// Splits a script's first line; false: the file does not start with "#!". [execve(2)]
static bool script_parse(struct file *f, struct script *s)
{
    u64 position = 0;
    struct io io;
    char *p, *end;
    s64 n;

    io_init_kernel(&io, s->line, SCRIPT_LINE_MAX);
    n = f->ops->read(f, &io, &position);
    if (n < 3 || s->line[0] != '#' || s->line[1] != '!')
        return false;
    s->line[n] = 0;
    end = strchr(s->line, '\n');
    if (end)
        *end = 0;
    for (p = s->line + 2; *p == ' ' || *p == '\t'; p++)
        ;
    s->interpreter = p;
    while (*p && *p != ' ' && *p != '\t')
        p++;
    if (*p)
        *p++ = 0;
    while (*p == ' ' || *p == '\t')
        p++;
    for (end = p + strlen(p); end > p && (end[-1] == ' ' || end[-1] == '\t'); end--)
        end[-1] = 0;
    s->argument = *p ? p : NULL;
    return *s->interpreter != 0;
}

static size_t list_count(char *const list[])
{
    size_t n = 0;

    while (list[n])
        n++;
    return n;
}

// argv of a script: interpreter, its argument, the script, the rest of the old argv.
static char **script_argv(const struct script *s, char *path, char *const argv[])
{
    size_t count = list_count(argv), n = 0;
    char **list = heap_alloc((count + 4) * sizeof(*list));

    if (!list)
        return NULL;
    list[n++] = s->interpreter;
    if (s->argument)
        list[n++] = s->argument;
    list[n++] = path;
    for (size_t i = 1; i < count; i++)
        list[n++] = argv[i];
    return list;
}

// A script runs under its own name. [proc(5), /proc/PID/comm]
static void set_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    strlcpy(thread_current()->name, slash ? slash + 1 : path, sizeof(thread_current()->name));
}

static void start_frame(struct trap_frame *frame, uaddr_t entry, uaddr_t sp)
{
    *frame = (struct trap_frame){
        .rip = entry,
        .rsp = sp,
        .cs = USER_CS,
        .ss = USER_SS,
        .rflags = USER_RFLAGS,
        .call = FRAME_NO_CALL,
        .full = 1,
    };
}

// In place of the old program, if there is one; after that no error can be told to anybody.
static int load(struct process *p, struct file *f, const char *path, char *const argv[], char *const envp[],
                struct exec_image *image, uaddr_t *out_sp)
{
    const struct boot_info *boot = platform_boot();
    bool replaces = p->executable;
    int error = replaces ? exec_replace(p) : 0;

    if (error)
        return error;
    if (replaces) {
        image->secure = exec_credentials(p, f->inode);
        p->dumpable = !image->secure && !inode_permission(f->inode, /*may=*/4);
    }
    if (boot->preload_entry && !replaces) {
        image->entry = image->program_entry = boot->preload_entry;
        image->headers = boot->preload_phdr;
        image->header_count = boot->preload_phnum;
    } else {
        exec_places(p);
        error = exec_load(p, f, image);
        if (!error)
            error = vdso_map(p, &image->vdso);
    }
    if (!error)
        error = exec_stack(p, image, path, argv, envp, out_sp);
    if (error && replaces)
        process_exit(p, SIGKILL);
    return replaces ? 0 : error;
}

static int run(struct process *p, struct file *f, const char *path, char *const argv[], char *const envp[],
               struct trap_frame *frame)
{
    struct exec_image image = { 0 };
    uaddr_t sp = 0;
    int error = exec_check(f, /*load=*/!platform_boot()->preload_entry || p->executable, &image);

    if (!error)
        error = load(p, f, path, argv, envp, &image, &sp);
    exec_file_put(image.interpreter);
    if (error)
        return error;
    start_frame(frame, image.entry, sp);
    cpu_set_fs_base(0);
    return 0;
}

static int exec_at_depth(struct process *p, const char *path, char *const argv[], char *const envp[],
                         struct trap_frame *frame, int depth);

static int exec_script(struct process *p, const struct script *s, const char *path, char *const argv[],
                       char *const envp[], struct trap_frame *frame, int depth)
{
    char **list;
    int error = -ENOMEM;

    list = script_argv(s, (char *)(u64)path, argv);
    if (list)
        error = exec_at_depth(p, s->interpreter, list, envp, frame, depth + 1);
    if (error == -ENOENT)
        path_missing(s->interpreter);
    heap_free(list);
    return error;
}

static int exec_at_depth(struct process *p, const char *path, char *const argv[], char *const envp[],
                         struct trap_frame *frame, int depth)
{
    struct script *s = NULL;
    struct file *f;
    int error = exec_file_open(path, &f);

    if (error)
        return error;
    error = -ELOOP;
    if (depth > SCRIPT_DEPTH_MAX)
        goto out;
    if (is_script(f)) {
        s = heap_alloc(sizeof(*s));
        error = -ENOMEM;
        if (!s)
            goto out;
    }
    if (s && script_parse(f, s)) {
        error = exec_script(p, s, path, argv, envp, frame, depth);
        goto out;
    }
    error = run(p, f, path, argv, envp, frame);
    if (!error) {
        strlcpy(p->executable_path, path, sizeof(p->executable_path));
        exec_file_put(p->executable);
        p->executable = f;
        f = NULL;
    }
out:
    heap_free(s);
    exec_file_put(f);
    return error;
}

int process_exec(struct process *p, const char *path, char *const argv[], char *const envp[],
                 struct trap_frame *frame)
{
    int error = exec_at_depth(p, path, argv, envp, frame, 0);

    if (!error)
        set_name(path);
    return error;
}
