// SPDX-License-Identifier: BSD-3-Clause
// Moving data inside the kernel: sendfile, copy_file_range, splice, tee, vmsplice.
#include "harness.h"

#include <sys/eventfd.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

CASE(sendfile_between_files)
{
    char buffer[16] = "";
    off_t offset = 2;
    int in = make_file("in", "0123456789"), out = make_file("out", "");
    EXPECT_EQ(sendfile(out, in, &offset, 4), 4);
    EXPECT_EQ(offset, 6);
    EXPECT_EQ(lseek(in, 0, SEEK_CUR), 0);
    EXPECT_EQ(sendfile(out, in, NULL, 100), 10);
    EXPECT_ERROR(sendfile(out, in, NULL, (size_t)-1), EINVAL);
    offset = INT64_MAX - 1;
    EXPECT_ERROR(sendfile(out, in, &offset, 4), EINVAL);
    EXPECT_EQ(lseek(in, 0, SEEK_CUR), 10);
    EXPECT_EQ(sendfile(out, in, NULL, 100), 0);
    EXPECT_EQ(pread(out, buffer, 16, 0), 14);
    EXPECT(memcmp(buffer, "23450123456789", 14) == 0);
    close(in);
    close(out);
}

CASE(sendfile_to_a_pipe)
{
    char buffer[16] = "";
    int in = make_file("in", "hello"), p[2];
    REQUIRE_OK(pipe(p));
    EXPECT_EQ(sendfile(p[1], in, NULL, 5), 5);
    EXPECT_EQ(read(p[0], buffer, 16), 5);
    EXPECT_STR(buffer, "hello");
    EXPECT_ERROR(sendfile(p[1], 200, NULL, 5), EBADF);
    EXPECT_ERROR(sendfile(p[0], in, NULL, 5), EBADF);
    close(in);
    close(p[0]);
    close(p[1]);
}

CASE(copy_file_range_with_offsets)
{
    char buffer[16] = "";
    off_t from = 1, to = 3;
    int in = make_file("in", "0123456789"), out = make_file("out", "abcdefgh");
    EXPECT_EQ(copy_file_range(in, &from, out, &to, 3, 0), 3);
    EXPECT_EQ(from, 4);
    EXPECT_EQ(to, 6);
    EXPECT_EQ(lseek(in, 0, SEEK_CUR), 0);
    EXPECT_EQ(pread(out, buffer, 16, 0), 8);
    EXPECT_STR(buffer, "abc123gh");
    EXPECT_EQ(copy_file_range(in, NULL, out, NULL, 100, 0), 10);
    EXPECT_EQ(lseek(out, 0, SEEK_CUR), 10);
    EXPECT_EQ(copy_file_range(in, NULL, out, NULL, 100, 0), 0);
    close(in);
    close(out);
}

CASE(copy_file_range_errors)
{
    off_t from = 0, to = 2;
    int in = make_file("in", "0123456789"), reader = open("in", O_RDONLY), p[2];
    int appender = open("in", O_WRONLY | O_APPEND), directory = open(".", O_RDONLY);
    REQUIRE_OK(pipe(p));
    EXPECT_ERROR(copy_file_range(in, NULL, reader, NULL, 1, 0), EBADF);
    EXPECT_ERROR(copy_file_range(in, NULL, appender, NULL, 1, 0), EBADF);
    EXPECT_ERROR(copy_file_range(in, NULL, p[1], NULL, 1, 0), EINVAL);
    EXPECT_ERROR(copy_file_range(directory, NULL, in, NULL, 1, 0), EISDIR);
    EXPECT_ERROR(copy_file_range(in, NULL, in, NULL, 1, 1), EINVAL);
    EXPECT_ERROR(copy_file_range(in, &from, in, &to, 5, 0), EINVAL); // overlaps itself
    to = 8;
    EXPECT_EQ(copy_file_range(in, &from, in, &to, 4, 0), 4);
    close(in);
    close(reader);
    close(appender);
    close(directory);
    close(p[0]);
    close(p[1]);
}

CASE(splice_file_to_pipe_and_back)
{
    char buffer[16] = "";
    off_t offset = 3;
    int in = make_file("in", "0123456789"), out = make_file("out", ""), p[2];
    REQUIRE_OK(pipe(p));
    EXPECT_EQ(splice(in, &offset, p[1], NULL, 4, 0), 4);
    EXPECT_EQ(offset, 7);
    EXPECT_EQ(splice(p[0], NULL, out, NULL, 100, 0), 4);
    EXPECT_EQ(pread(out, buffer, 16, 0), 4);
    EXPECT_STR(buffer, "3456");
    close(in);
    close(out);
    close(p[0]);
    close(p[1]);
}

CASE(splice_pipe_to_pipe)
{
    char buffer[16] = "";
    int a[2], b[2];
    REQUIRE_OK(pipe(a));
    REQUIRE_OK(pipe(b));
    EXPECT_EQ(write(a[1], "abcdef", 6), 6);
    EXPECT_EQ(splice(a[0], NULL, b[1], NULL, 4, 0), 4);
    EXPECT_EQ(read(b[0], buffer, 16), 4);
    EXPECT_STR(buffer, "abcd");
    EXPECT_EQ(read(a[0], buffer, 16), 2);
    for (int i = 0; i < 2; i++) {
        close(a[i]);
        close(b[i]);
    }
}

CASE(splice_errors)
{
    off_t offset = 0;
    int in = make_file("in", "abc"), p[2];
    REQUIRE_OK(pipe(p));
    EXPECT_ERROR(splice(in, NULL, in, NULL, 1, 0), EINVAL); // no pipe
    EXPECT_ERROR(splice(p[0], &offset, in, NULL, 1, 0), ESPIPE);
    EXPECT_ERROR(splice(p[0], NULL, p[1], NULL, 1, 0), EINVAL); // the same pipe
    EXPECT_ERROR(splice(p[0], NULL, in, NULL, 1, SPLICE_F_NONBLOCK), EAGAIN);
    EXPECT_ERROR(splice(in, NULL, p[1], NULL, 1, 0x100), EINVAL);
    EXPECT_EQ(splice(in, NULL, p[1], NULL, 0, 0), 0);
    close(p[1]);
    EXPECT_EQ(splice(p[0], NULL, in, NULL, 1, 0), 0); // no writers: end of file
    close(in);
    close(p[0]);
}

CASE(tee_duplicates)
{
    char buffer[16] = "";
    int a[2], b[2];
    REQUIRE_OK(pipe(a));
    REQUIRE_OK(pipe(b));
    EXPECT_EQ(write(a[1], "abcdef", 6), 6);
    EXPECT_EQ(tee(a[0], b[1], 4, 0), 4);
    EXPECT_EQ(read(b[0], buffer, 16), 4);
    EXPECT_STR(buffer, "abcd");
    EXPECT_EQ(read(a[0], buffer, 16), 6);
    EXPECT_STR(buffer, "abcdef");
    EXPECT_ERROR(tee(a[0], b[1], 4, SPLICE_F_NONBLOCK), EAGAIN);
    EXPECT_ERROR(tee(a[0], a[1], 4, 0), EINVAL);
    for (int i = 0; i < 2; i++) {
        close(a[i]);
        close(b[i]);
    }
}

CASE(vmsplice_both_ways)
{
    char buffer[8] = "", text[] = "memory";
    struct iovec out = {text, 6}, in = {buffer, 6};
    int p[2];
    REQUIRE_OK(pipe(p));
    EXPECT_EQ(vmsplice(p[1], &out, 1, 0), 6);
    EXPECT_EQ(vmsplice(p[0], &in, 1, 0), 6);
    EXPECT_STR(buffer, "memory");
    close(p[0]);
    close(p[1]);
}

static void *write_later(void *argument)
{
    sleep_ms(20);
    EXPECT_EQ(write(*(int *)argument, "late", 4), 4);
    return NULL;
}

CASE(splice_waits_for_data)
{
    int out = make_file("out", ""), p[2];
    REQUIRE_OK(pipe(p));
    pthread_t thread = thread_start(write_later, &p[1]);
    EXPECT_EQ(splice(p[0], NULL, out, NULL, 10, 0), 4);
    thread_join(thread);
    close(out);
    close(p[0]);
    close(p[1]);
}

CASE(large_sendfile)
{
    static char data[300000], back[300000];
    int in = make_file("in", ""), out = make_file("out", "");
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (char)(i * 31 >> 3);
    EXPECT_EQ(write(in, data, sizeof(data)), sizeof(data));
    lseek(in, 0, SEEK_SET);
    EXPECT_EQ(sendfile(out, in, NULL, sizeof(data)), sizeof(data));
    EXPECT_EQ(pread(out, back, sizeof(back), 0), sizeof(back));
    EXPECT(memcmp(data, back, sizeof(data)) == 0);
    close(in);
    close(out);
}

static const struct test_case cases[] = {
    ENTRY(sendfile_between_files),
    ENTRY(sendfile_to_a_pipe),
    ENTRY(copy_file_range_with_offsets),
    ENTRY(copy_file_range_errors),
    ENTRY(splice_file_to_pipe_and_back),
    ENTRY(splice_pipe_to_pipe),
    ENTRY(splice_errors),
    ENTRY(tee_duplicates),
    ENTRY(vmsplice_both_ways),
    ENTRY(splice_waits_for_data),
    ENTRY(large_sendfile),
};
TEST_MAIN(cases)
