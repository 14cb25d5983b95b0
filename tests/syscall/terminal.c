// SPDX-License-Identifier: BSD-3-Clause
// Terminals by pseudoterminal pairs: line discipline, echo, special characters, modes, sizes.
#include "harness.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>

static struct {
    int master, slave;
} tty;

static void open_pair(void)
{
    char name[64] = "";
    int unlock = 0;
    unsigned number = 0;
    tty.slave = -1;
    tty.master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
    EXPECT_OK(tty.master);
    EXPECT_OK(ioctl(tty.master, TIOCSPTLCK, &unlock));
    EXPECT_OK(ioctl(tty.master, TIOCGPTN, &number));
    snprintf(name, sizeof(name), "/dev/pts/%u", number);
    tty.slave = open(name, O_RDWR | O_NOCTTY | O_NONBLOCK);
    EXPECT_OK(tty.slave);
    fcntl(tty.master, F_SETFL, O_NONBLOCK);
}

static void close_pair(void)
{
    close(tty.slave);
    close(tty.master);
}

static void change(tcflag_t local_off, tcflag_t output_off)
{
    struct termios mode;
    EXPECT_OK(tcgetattr(tty.slave, &mode));
    mode.c_lflag &= ~local_off;
    mode.c_oflag &= ~output_off;
    EXPECT_OK(tcsetattr(tty.slave, TCSANOW, &mode));
}

static void type(const char *text) // at the keyboard
{
    EXPECT_EQ(write(tty.master, text, strlen(text)), strlen(text));
}

// Reads until as much has come as expected; what one side writes may take a moment.
static void expect_bytes(int fd, const char *text)
{
    char buffer[256];
    size_t total = 0;
    struct pollfd set = {fd, POLLIN, 0};
    while (total < strlen(text) && poll(&set, 1, 1000) == 1) {
        ssize_t got = read(fd, buffer + total, sizeof(buffer) - 1 - total);
        if (got <= 0)
            break;
        total += (size_t)got;
    }
    buffer[total] = 0;
    EXPECT_STR(buffer, text);
}

static void expect_input(const char *text) // what the program reads
{
    expect_bytes(tty.slave, text);
}

static void expect_screen(const char *text) // what the terminal shows
{
    expect_bytes(tty.master, text);
}

static void wait_for_input(void)
{
    struct pollfd set = {tty.slave, POLLIN, 0};
    EXPECT_EQ(poll(&set, 1, 1000), 1);
}

static void expect_nothing(void)
{
    char byte;
    EXPECT_ERROR(read(tty.slave, &byte, 1), EAGAIN);
}

CASE(default_modes)
{
    struct termios mode;
    open_pair();
    EXPECT_OK(tcgetattr(tty.slave, &mode));
    EXPECT_EQ(mode.c_iflag, ICRNL | IXON);
    EXPECT_EQ(mode.c_oflag, OPOST | ONLCR);
    EXPECT_EQ(mode.c_cflag & (CSIZE | CREAD), CS8 | CREAD);
    EXPECT_EQ(mode.c_lflag, ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN);
    EXPECT_EQ(mode.c_cc[VINTR], 3);
    EXPECT_EQ(mode.c_cc[VERASE], 127);
    EXPECT_EQ(mode.c_cc[VKILL], 21);
    EXPECT_EQ(mode.c_cc[VEOF], 4);
    EXPECT_EQ(mode.c_cc[VSUSP], 26);
    EXPECT_EQ(isatty(tty.slave), 1);
    EXPECT_EQ(isatty(tty.master), 1);
    close_pair();
}

CASE(lines_come_when_complete)
{
    open_pair();
    type("hel");
    expect_nothing();
    type("lo\rnext");
    expect_input("hello\n");
    expect_nothing();
    type("\n");
    expect_input("next\n");
    close_pair();
}

CASE(echo_and_output_processing)
{
    open_pair();
    type("ab\r");
    expect_screen("ab\r\n");
    EXPECT_EQ(write(tty.slave, "x\ny", 3), 3);
    expect_screen("x\r\ny");
    change(ECHO, 0);
    type("cd\n");
    EXPECT_EQ(write(tty.slave, "!", 1), 1);
    expect_screen("!");
    close_pair();
}

CASE(newline_echo_without_echo)
{
    struct termios mode;
    open_pair();
    EXPECT_OK(tcgetattr(tty.slave, &mode));
    mode.c_lflag = (mode.c_lflag & ~(tcflag_t)ECHO) | ECHONL;
    EXPECT_OK(tcsetattr(tty.slave, TCSANOW, &mode));
    type("password\n");
    expect_screen("\r\n");
    close_pair();
}

CASE(output_processing_off)
{
    open_pair();
    change(0, OPOST);
    EXPECT_EQ(write(tty.slave, "x\ny", 3), 3);
    expect_screen("x\ny");
    close_pair();
}

CASE(erase_and_kill)
{
    open_pair();
    type("abc\177\177d\n");
    expect_input("ad\n");
    expect_screen("abc\b \b\b \bd\r\n");
    type("gone\025kept\n");
    expect_input("kept\n");
    close_pair();
}

CASE(word_erase)
{
    open_pair();
    type("one two\027three\n");
    expect_input("one three\n");
    close_pair();
}

CASE(end_of_file_character)
{
    char byte;
    open_pair();
    type("ab\004");
    expect_input("ab"); // pushes the line
    type("\004");
    wait_for_input();
    EXPECT_EQ(read(tty.slave, &byte, 1), 0); // alone: end of file
    type("x\n");
    expect_input("x\n");
    close_pair();
}

CASE(literal_next)
{
    open_pair();
    type("a\026\004b\n");
    expect_input("a\004b\n");
    close_pair();
}

CASE(control_characters_are_echoed_with_a_caret)
{
    open_pair();
    type("\001\n");
    expect_screen("^A\r\n");
    close_pair();
}

CASE(short_reads_of_a_line)
{
    char buffer[4] = "";
    open_pair();
    type("hello\nworld\n");
    wait_for_input();
    EXPECT_EQ(read(tty.slave, buffer, 3), 3);
    EXPECT_STR(buffer, "hel");
    expect_input("lo\n");
    expect_input("world\n");
    close_pair();
}

CASE(raw_mode)
{
    struct termios mode;
    open_pair();
    EXPECT_OK(tcgetattr(tty.slave, &mode));
    cfmakeraw(&mode);
    EXPECT_OK(tcsetattr(tty.slave, TCSAFLUSH, &mode));
    type("a\r\003\177");
    expect_input("a\r\003\177");
    close_pair();
}

CASE(minimum_and_time)
{
    struct termios mode;
    char buffer[8];
    open_pair();
    EXPECT_OK(tcgetattr(tty.slave, &mode));
    cfmakeraw(&mode);
    mode.c_cc[VMIN] = 0;
    mode.c_cc[VTIME] = 1;
    EXPECT_OK(tcsetattr(tty.slave, TCSANOW, &mode));
    fcntl(tty.slave, F_SETFL, 0);
    uint64_t start = now_ns();
    EXPECT_EQ(read(tty.slave, buffer, 8), 0);
    EXPECT(now_ns() - start >= 80000000);
    mode.c_cc[VTIME] = 0;
    EXPECT_OK(tcsetattr(tty.slave, TCSANOW, &mode));
    EXPECT_EQ(read(tty.slave, buffer, 8), 0);
    type("ab");
    wait_for_input();
    EXPECT_EQ(read(tty.slave, buffer, 8), 2);
    close_pair();
}

static void *type_in_two_parts(void *unused)
{
    type("ab");
    sleep_ms(40);
    type("cd");
    return unused;
}

CASE(minimum_waits)
{
    struct termios mode;
    char buffer[8];
    open_pair();
    EXPECT_OK(tcgetattr(tty.slave, &mode));
    cfmakeraw(&mode);
    mode.c_cc[VMIN] = 4;
    EXPECT_OK(tcsetattr(tty.slave, TCSANOW, &mode));
    fcntl(tty.slave, F_SETFL, 0);
    pthread_t thread = thread_start(type_in_two_parts, NULL);
    EXPECT_EQ(read(tty.slave, buffer, 8), 4);
    thread_join(thread);
    close_pair();
}

CASE(window_size)
{
    struct winsize size = {.ws_row = 33, .ws_col = 99}, seen = {0};
    open_pair();
    EXPECT_OK(ioctl(tty.slave, TIOCGWINSZ, &seen));
    EXPECT_EQ(seen.ws_row, 0);
    EXPECT_OK(ioctl(tty.master, TIOCSWINSZ, &size));
    EXPECT_OK(ioctl(tty.slave, TIOCGWINSZ, &seen));
    EXPECT_EQ(seen.ws_row, 33);
    EXPECT_EQ(seen.ws_col, 99);
    close_pair();
}

CASE(polling_and_counting)
{
    int count = -1;
    open_pair();
    struct pollfd set = {tty.slave, POLLIN | POLLOUT, 0};
    EXPECT_EQ(poll(&set, 1, 0), 1);
    EXPECT_EQ(set.revents, POLLOUT);
    type("abc");
    EXPECT_EQ(poll(&set, 1, 0), 1);
    EXPECT_EQ(set.revents, POLLOUT); // no whole line yet
    type("\n");
    wait_for_input();
    EXPECT_EQ(poll(&set, 1, 0), 1);
    EXPECT_EQ(set.revents, POLLIN | POLLOUT);
    EXPECT_OK(ioctl(tty.slave, FIONREAD, &count));
    EXPECT_EQ(count, 4);
    EXPECT_OK(tcflush(tty.slave, TCIFLUSH));
    EXPECT_EQ(poll(&set, 1, 0), 1);
    EXPECT_EQ(set.revents, POLLOUT);
    close_pair();
}

CASE(closing_the_slave)
{
    char byte;
    open_pair();
    close(tty.slave);
    EXPECT_ERROR(read(tty.master, &byte, 1), EIO);
    struct pollfd set = {tty.master, POLLIN, 0};
    EXPECT_EQ(poll(&set, 1, 0), 1);
    EXPECT_EQ(set.revents & POLLHUP, POLLHUP);
    close(tty.master);
}

CASE(closing_the_master)
{
    char byte;
    open_pair();
    close(tty.master);
    EXPECT_EQ(read(tty.slave, &byte, 1), 0);
    EXPECT_ERROR(write(tty.slave, "x", 1), EIO);
    struct pollfd set = {tty.slave, POLLIN, 0};
    EXPECT_EQ(poll(&set, 1, 0), 1);
    EXPECT_EQ(set.revents & POLLHUP, POLLHUP);
    close(tty.slave);
}

CASE(slave_names)
{
    char name[64] = "", path[64] = "";
    struct stat info;
    open_pair();
    EXPECT_EQ(ptsname_r(tty.master, name, sizeof(name)), 0);
    EXPECT(strncmp(name, "/dev/pts/", 9) == 0);
    EXPECT_OK(stat(name, &info));
    EXPECT(S_ISCHR(info.st_mode));
    EXPECT_EQ(info.st_rdev >> 8, 136);
    EXPECT_EQ(ttyname_r(tty.slave, path, sizeof(path)), 0);
    EXPECT_STR(path, name);
    close_pair();
    EXPECT_ERROR(stat(name, &info), ENOENT);
}

CASE(locked_until_unlocked)
{
    char name[64];
    unsigned number = 0;
    int master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
    EXPECT_OK(ioctl(master, TIOCGPTN, &number));
    snprintf(name, sizeof(name), "/dev/pts/%u", number);
    EXPECT_ERROR(open(name, O_RDWR | O_NOCTTY), EIO);
    close(master);
}

CASE(flow_control)
{
    open_pair();
    type("\023");
    sleep_ms(30);
    EXPECT_ERROR(write(tty.slave, "x", 1), EAGAIN); // stopped
    type("\021");
    sleep_ms(30);
    EXPECT_EQ(write(tty.slave, "x", 1), 1);
    expect_screen("x");
    close_pair();
}

CASE(queue_attributes_apply_by_kind)
{
    open_pair();
    struct termios mode;
    type("typed ahead\n");
    wait_for_input();
    EXPECT_OK(tcgetattr(tty.slave, &mode));
    EXPECT_OK(tcsetattr(tty.slave, TCSAFLUSH, &mode)); // drops input
    expect_nothing();
    EXPECT_ERROR(tcgetattr(tty.master + 100, &mode), EBADF);
    EXPECT_EQ(cfgetospeed(&mode), B38400);
    close_pair();
}

CASE(settings_can_be_locked)
{
    struct termios now, locks;
    int slave = -1, master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
    REQUIRE(master >= 0);
    EXPECT_OK(unlockpt(master));
    slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    if (geteuid())
        SKIP("not root");
    memset(&locks, 0, sizeof(locks));
    EXPECT_OK(ioctl(slave, 0x5456 /* TIOCGLCKTRMIOS */, &locks));
    EXPECT_EQ(locks.c_lflag, 0);
    locks.c_lflag = ECHO;
    EXPECT_OK(ioctl(slave, 0x5457 /* TIOCSLCKTRMIOS */, &locks));
    EXPECT_OK(tcgetattr(slave, &now));
    EXPECT(now.c_lflag & ECHO);
    now.c_lflag &= ~(tcflag_t)(ECHO | ICANON);
    EXPECT_OK(tcsetattr(slave, TCSANOW, &now));
    EXPECT_OK(tcgetattr(slave, &now));
    EXPECT(now.c_lflag & ECHO);
    EXPECT(!(now.c_lflag & ICANON));
    EXPECT_OK(ioctl(slave, 0x5456, &locks));
    EXPECT_EQ(locks.c_lflag, ECHO);
    close(slave);
    close(master);
}

static const struct test_case cases[] = {
    ENTRY(default_modes),
    ENTRY(lines_come_when_complete),
    ENTRY(echo_and_output_processing),
    ENTRY(newline_echo_without_echo),
    ENTRY(output_processing_off),
    ENTRY(erase_and_kill),
    ENTRY(word_erase),
    ENTRY(end_of_file_character),
    ENTRY(literal_next),
    ENTRY(control_characters_are_echoed_with_a_caret),
    ENTRY(short_reads_of_a_line),
    ENTRY(raw_mode),
    ENTRY(minimum_and_time),
    ENTRY(minimum_waits),
    ENTRY(window_size),
    ENTRY(polling_and_counting),
    ENTRY(closing_the_slave),
    ENTRY(closing_the_master),
    ENTRY(slave_names),
    ENTRY(locked_until_unlocked),
    ENTRY(flow_control),
    ENTRY(queue_attributes_apply_by_kind),
    ENTRY(settings_can_be_locked),
};
TEST_MAIN(cases)
