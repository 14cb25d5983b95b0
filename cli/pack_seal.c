// SPDX-License-Identifier: BSD-3-Clause
// From a staging folder to an image file: mkfs.erofs makes the file system, then the header goes in
// front of it. The file has no name until it is whole and on the disk.
//
// The same files make the same image: the file system's UUID comes from the manifest, its time of
// creation is 0, and every inode has its own time.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/erofs_format.h"
#include "cli/blake2b.h"
#include "cli/complain.h"
#include "cli/image_file.h"
#include "cli/kernel_elf.h"
#include "cli/pack.h"
#include "cli/pack_stage.h"
#include "cli/progress.h"

#define MESSAGE_SIZE_MAX 4096
#define COPY_SIZE        (4u << 20)
#define NAME_SIZE_MAX    254

// The child's side: becomes mkfs.erofs, with what it says going to `messages`.
static void exec_mkfs(const char *stage, int image, const char *uuid, bool all_root, int messages)
{
    const char *output = keep_format("/proc/self/fd/%d", image);
    const char *argv[] = {"mkfs.erofs",
                          "--quiet",
                          "-d1",
                          "-x-1",
                          "-U",
                          uuid,
                          "-Enoinline_data,force-inode-extended",
                          all_root ? "--all-root" : "--preserve-mtime",
                          output,
                          stage,
                          NULL};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    fcntl(image, F_SETFD, 0); // mkfs.erofs opens it through /proc
    dup2(messages, STDOUT_FILENO);
    dup2(messages, STDERR_FILENO);
    execvp(argv[0], (char *const *)(uintptr_t)argv);
    if (errno == ENOENT)
        execv("/usr/sbin/mkfs.erofs", (char *const *)(uintptr_t)argv);
    _exit(127);
}

// What mkfs.erofs said, with the first line alone kept. The descriptor is closed.
static char *read_message(int fd)
{
    char *message = keep(MESSAGE_SIZE_MAX), rest[256];
    size_t size = 0;
    ssize_t got;
    while (size < MESSAGE_SIZE_MAX - 1 &&
           (got = read(fd, message + size, MESSAGE_SIZE_MAX - 1 - size)) > 0)
        size += (size_t)got;
    while (read(fd, rest, sizeof(rest)) > 0)
        ;
    close(fd);
    message[strcspn(message, "\n")] = '\0';
    return message;
}

static bool is_full(int fd, uint64_t needed)
{
    struct statvfs s;
    struct stat file;
    if (fstatvfs(fd, &s) || fstat(fd, &file))
        return false;
    return (uint64_t)s.f_bavail * s.f_frsize + (uint64_t)file.st_blocks * 512 < needed;
}

// What mkfs.erofs does not take, and does not name when it fails.
static int check_names(const struct pack *p)
{
    for (struct node *n = p->tree->root; n; n = image_tree_next(n))
        if (strlen(n->name) > NAME_SIZE_MAX)
            return complain(ENAMETOOLONG, "%s: mkfs.erofs takes names of %d bytes at most", n->path,
                            NAME_SIZE_MAX);
    return 0;
}

static int run_mkfs(const struct pack *p, const char *stage, int image, const char *image_name,
                    const char *uuid)
{
    int ends[2], status;
    if (pipe2(ends, O_CLOEXEC))
        return complain(errno, "no pipe: %s", strerror(errno));
    bool all_root = geteuid() != 0;
    pid_t pid = fork();
    if (!pid)
        exec_mkfs(stage, image, uuid, all_root, ends[1]);
    int error = errno;
    close(ends[1]);
    char *message = read_message(ends[0]);
    if (pid < 0)
        return complain(error, "no process: %s", strerror(error));
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        return complain(EIO, "mkfs.erofs is missing; install the package erofs-utils");
    if (is_full(image, p->tree->byte_count + p->tree->file_count * 4096))
        return complain(EIO, "cannot write %s: the disk is full", image_name);
    return complain(EIO, "mkfs.erofs could not write %s: %s", image_name,
                    *message ? message : "it gave no reason");
}

// Takes the time of creation out of the superblock, which would make each image another one.
static void settle_superblock(uint8_t *bytes)
{
    struct erofs_disk_super *super = (struct erofs_disk_super *)(bytes + EROFS_SUPER_OFFSET);
    super->build_time = 0;
    super->build_time_nsec = 0;
    super->checksum = 0;
    if (super->compat & EROFS_COMPAT_CHECKSUM)
        super->checksum = crc32c(~0u, super, (1u << super->block_bits) - EROFS_SUPER_OFFSET);
}

static int find_file(const struct erofs *fs, const char *path, __u64 *out_offset, __u64 *out_size)
{
    struct erofs_inode inode;
    uint64_t offset = 0;
    int result = image_file_lookup(fs, path, &inode);
    if (!result)
        result = erofs_map_offset(fs, &inode, &offset);
    *out_offset = offset;
    *out_size = inode.size;
    return result;
}

static int write_header(int fd, uint64_t size, const char *name)
{
    uint8_t *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    struct image_header h = {.magic = IMAGE_MAGIC, .version = IMAGE_VERSION, .size = sizeof(h)};
    struct erofs fs;
    const char *words = "its files are not page-aligned";
    __u64 sites_offset, sites_size;
    if (bytes == MAP_FAILED)
        return complain(errno, "cannot write %s: %s", name, strerror(errno));
    settle_superblock(bytes);
    h.image_size = size;
    int result = erofs_open(&fs, bytes, size, &words);
    if (!result)
        result = find_file(&fs, IMAGE_KERNEL, &h.kernel_offset, &h.kernel_size);
    if (!result)
        result = find_file(&fs, IMAGE_MANIFEST, &h.manifest_offset, &h.manifest_size);
    if (!result && !find_file(&fs, IMAGE_SITES, &sites_offset, &sites_size)) {
        h.sites_page = (uint32_t)(sites_offset / 4096);
        h.sites_size = (uint32_t)sites_size;
    }
    if (result < 0) {
        complain(-result, "mkfs.erofs made an image that clade can't use: %s", words);
    } else {
        image_file_hash(bytes, size, h.content_hash);
        h.header_crc = image_file_header_crc(&h);
        memcpy(bytes, &h, sizeof(h));
    }
    munmap(bytes, size);
    return result;
}

static bool is_zero(const uint8_t *bytes, uint64_t size)
{
    return !bytes[0] && !memcmp(bytes, bytes + 1, size - 1);
}

// Writes the image once more, in large pieces. A page cache keeps a file in pieces as large as
// those that it was written in, and mkfs.erofs writes blocks: a start would pay 40 us more for
// mapping those. Pieces of zeros (a sparse file's) become holes.
static int copy_image(int from, int to, uint64_t size, const char *name)
{
    uint64_t done = 0;
    uint8_t *bytes = mmap(NULL, size, PROT_READ, MAP_SHARED, from, 0);
    if (bytes == MAP_FAILED)
        return complain(errno, "cannot read %s: %s", name, strerror(errno));
    while (done < size) {
        uint64_t piece = size - done < COPY_SIZE ? size - done : COPY_SIZE;
        ssize_t count = is_zero(bytes + done, piece) ? (ssize_t)piece
                                                     : pwrite(to, bytes + done, piece, (off_t)done);
        if (count <= 0 && errno != EINTR)
            break;
        done += count > 0 ? (uint64_t)count : 0;
    }
    if (done == size && ftruncate(to, (off_t)size)) // in case its end is a hole
        done = 0;
    int error = errno;
    munmap(bytes, size);
    return done == size ? 0 : complain(error, "cannot write %s: %s", name, strerror(error));
}

// fd is the image; scratch is a file of the same file system, or fd itself.
static int make_image(struct pack *p, const char *uuid, int fd, int scratch, const char *name)
{
    struct stage stage;
    struct stat s;
    int result = check_names(p);
    if (result < 0)
        return result;
    result = stage_make(&stage, p);
    if (result >= 0) {
        progress_show("writing", p->tree->file_count, p->tree->byte_count);
        result = run_mkfs(p, stage.path, scratch, name, uuid);
    }
    stage_remove(&stage);
    if (result < 0)
        return result;
    if (fstat(scratch, &s) || s.st_size <= EROFS_SUPER_OFFSET)
        return complain(EIO, "mkfs.erofs left %s empty", name);
    result = write_header(scratch, (uint64_t)s.st_size, name);
    if (!result && scratch != fd)
        result = copy_image(scratch, fd, (uint64_t)s.st_size, name);
    if (!result && fsync(fd))
        result = complain(errno, "cannot write %s: %s", name, strerror(errno));
    progress_clear();
    return result;
}

// Gives a file without a name (O_TMPFILE) its name, in place of what may have had it.
static int give_name(int fd, const char *path)
{
    const char *self = keep_format("/proc/self/fd/%d", fd);
    const char *temporary = keep_format("%s.%d", path, (int)getpid());
    if (linkat(AT_FDCWD, self, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0)
        return 0;
    if (errno != EEXIST)
        return -errno;
    if (linkat(AT_FDCWD, self, AT_FDCWD, temporary, AT_SYMLINK_FOLLOW))
        return -errno;
    if (!rename(temporary, path))
        return 0;
    int result = -errno;
    unlink(temporary);
    return result;
}

static void put_own_files(struct pack *p, const struct text *manifest)
{
    image_tree_put_folder(p->tree, "/.clade", 0755);
    image_tree_put_text(p->tree, IMAGE_KERNEL, 0444, kernel_elf_start,
                        (size_t)(kernel_elf_end - kernel_elf_start));
    image_tree_put_text(p->tree, IMAGE_MANIFEST, 0444, manifest->bytes, manifest->size);
    pack_sites(p);
}

static const char *make_uuid(const struct text *manifest)
{
    uint8_t u[16];
    struct blake2b b;
    blake2b_start(&b, sizeof(u));
    blake2b_add(&b, manifest->bytes, manifest->size);
    blake2b_end(&b, u);
    u[6] = (u[6] & 0x0f) | 0x80; // version 8: made by a rule of one's own (RFC 9562)
    u[8] = (u[8] & 0x3f) | 0x80;
    return keep_format("%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", u[0],
                       u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12],
                       u[13], u[14], u[15]);
}

int pack_write(struct pack *p, const char *path)
{
    struct text manifest = {0};
    signal(SIGXFSZ, SIG_IGN); // `ulimit -f`: an error of the write, for mkfs.erofs too
    int result = pack_manifest(p, &manifest);
    if (result < 0)
        return result;
    put_own_files(p, &manifest);
    const char *slash = strrchr(path, '/');
    const char *folder = !slash          ? "."
                         : slash == path ? "/"
                                         : keep_string_size(path, (size_t)(slash - path));
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
    const char *temporary = NULL;
    if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR)) {
        temporary = keep_format("%s.%d", path, (int)getpid()); // no O_TMPFILE here
        fd = open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    }
    if (fd < 0)
        return complain(errno == ENOENT ? EIO : errno, "cannot write %s: %s", path,
                        strerror(errno));
    int scratch = temporary ? -1 : open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    result = make_image(p, make_uuid(&manifest), fd, scratch < 0 ? fd : scratch, path);
    if (scratch >= 0)
        close(scratch);
    if (result >= 0) {
        result = temporary ? (rename(temporary, path) ? -errno : 0) : give_name(fd, path);
        if (result < 0)
            complain(-result, "cannot write %s: %s", path, strerror(-result));
    }
    if (temporary && result < 0)
        unlink(temporary);
    close(fd);
    return result;
}
