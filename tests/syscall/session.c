// SPDX-License-Identifier: BSD-3-Clause
// The controlling terminal: signals of its special characters, of its size and its end, the
// foreground group, /dev/tty. The process makes itself a session leader first.
#include "harness.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>

static struct {
    int master, slave;
} tty;

// Makes a pseudoterminal the controlling terminal; false: this process can't have one.
static int take_terminal(void)
{
    int unlock = 0;
    unsigned number = 0;
    char name[64];
    if (getsid(0) != getpid() && setsid() < 0)
        return 0;
    tty.master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    ioctl(tty.master, TIOCSPTLCK, &unlock);
    ioctl(tty.master, TIOCGPTN, &number);
    snprintf(name, sizeof(name), "/dev/pts/%u", number);
    tty.slave = open(name, O_RDWR | O_NONBLOCK);
    EXPECT_OK(tty.slave);
    if (getsid(0) == getpid() && tcgetsid(tty.slave) == getpid())
        return 1;
    close(tty.slave);
    close(tty.master);
    return 0;
}

static void drop_terminal(void)
{
    signal(SIGHUP, SIG_IGN);
    signal(SIGCONT, SIG_IGN);
    ioctl(tty.slave, TIOCNOTTY);
    close(tty.slave);
    close(tty.master);
}

#define TAKE_TERMINAL()                                                                            \
    if (!take_terminal())                                                                          \
    SKIP("a group leader, or one with a terminal: no session of its own")

static void type_and_wait(const char *keys, int signal)
{
    on_signal(signal, count_signal, 0);
    EXPECT_EQ(write(tty.master, keys, strlen(keys)), strlen(keys));
    for (int i = 0; i < 500 && !signal_count; i++)
        sleep_ms(2);
    EXPECT_EQ(signal_count, 1);
    EXPECT_EQ(signal_last.si_signo, signal);
    EXPECT_EQ(signal_last.si_code, SI_KERNEL);
}

CASE(opening_takes_it)
{
    TAKE_TERMINAL();
    EXPECT_EQ(tcgetpgrp(tty.slave), getpgrp());
    int fd = open("/dev/tty", O_RDWR | O_NONBLOCK);
    EXPECT_OK(fd);
    EXPECT_EQ(isatty(fd), 1);
    EXPECT_EQ(write(fd, "hi", 2), 2);
    char buffer[8] = "";
    struct pollfd set = {tty.master, POLLIN, 0};
    EXPECT_EQ(poll(&set, 1, 1000), 1);
    EXPECT_EQ(read(tty.master, buffer, 8), 2);
    EXPECT_STR(buffer, "hi");
    close(fd);
    drop_terminal();
    EXPECT_ERROR(open("/dev/tty", O_RDWR), ENXIO);
}

CASE(interrupt_character)
{
    TAKE_TERMINAL();
    type_and_wait("\003", SIGINT);
    drop_terminal();
}

CASE(quit_character)
{
    TAKE_TERMINAL();
    type_and_wait("\034", SIGQUIT);
    drop_terminal();
}

CASE(suspend_character)
{
    TAKE_TERMINAL();
    type_and_wait("\032", SIGTSTP);
    drop_terminal();
}

CASE(interrupt_flushes_input)
{
    char byte;
    TAKE_TERMINAL();
    type_and_wait("typed ahead\003", SIGINT);
    EXPECT_EQ(write(tty.master, "x\n", 2), 2);
    struct pollfd set = {tty.slave, POLLIN, 0};
    EXPECT_EQ(poll(&set, 1, 1000), 1);
    EXPECT_EQ(read(tty.slave, &byte, 1), 1);
    EXPECT_EQ(byte, 'x');
    drop_terminal();
}

CASE(no_signals_when_switched_off)
{
    struct termios mode;
    char byte = 0;
    TAKE_TERMINAL();
    on_signal(SIGINT, count_signal, 0);
    EXPECT_OK(tcgetattr(tty.slave, &mode));
    cfmakeraw(&mode);
    EXPECT_OK(tcsetattr(tty.slave, TCSANOW, &mode));
    EXPECT_EQ(write(tty.master, "\003", 1), 1);
    struct pollfd set = {tty.slave, POLLIN, 0};
    EXPECT_EQ(poll(&set, 1, 1000), 1);
    EXPECT_EQ(read(tty.slave, &byte, 1), 1);
    EXPECT_EQ(byte, 3);
    EXPECT_EQ(signal_count, 0);
    drop_terminal();
}

CASE(size_change_signals)
{
    struct winsize size = {.ws_row = 10, .ws_col = 20};
    TAKE_TERMINAL();
    on_signal(SIGWINCH, count_signal, 0);
    EXPECT_OK(ioctl(tty.master, TIOCSWINSZ, &size));
    for (int i = 0; i < 500 && !signal_count; i++)
        sleep_ms(2);
    EXPECT_EQ(signal_count, 1);
    EXPECT_OK(ioctl(tty.master, TIOCSWINSZ, &size)); // the same again: no news
    sleep_ms(10);
    EXPECT_EQ(signal_count, 1);
    drop_terminal();
}

CASE(hangup_signals)
{
    char byte;
    TAKE_TERMINAL();
    on_signal(SIGHUP, count_signal, 0);
    signal(SIGCONT, SIG_IGN);
    close(tty.master);
    for (int i = 0; i < 500 && !signal_count; i++)
        sleep_ms(2);
    EXPECT_EQ(signal_count, 1);
    EXPECT_EQ(read(tty.slave, &byte, 1), 0);
    close(tty.slave);
    EXPECT_ERROR(open("/dev/tty", O_RDWR), ENXIO);
}

CASE(foreground_group_rules)
{
    TAKE_TERMINAL();
    EXPECT_OK(tcsetpgrp(tty.slave, getpgrp()));
    EXPECT_ERROR(tcsetpgrp(tty.slave, 4000000), ESRCH);
    EXPECT_ERROR(tcsetpgrp(tty.slave, -1), EINVAL);
    EXPECT_EQ(tcgetsid(tty.slave), getsid(0));
    EXPECT_ERROR(setpgid(0, 0), EPERM); // a session leader
    EXPECT_ERROR(setsid(), EPERM);
    drop_terminal();
}

CASE(input_by_ioctl)
{
    char byte = 0;
    TAKE_TERMINAL();
    if (ioctl(tty.slave, TIOCSTI, "\n") == 0) { // newer systems refuse it
        EXPECT_EQ(read(tty.slave, &byte, 1), 1);
        EXPECT_EQ(byte, '\n');
    }
    drop_terminal();
}

static const struct test_case cases[] = {
    ENTRY(opening_takes_it),    ENTRY(interrupt_character),     ENTRY(quit_character),
    ENTRY(suspend_character),   ENTRY(interrupt_flushes_input), ENTRY(no_signals_when_switched_off),
    ENTRY(size_change_signals), ENTRY(hangup_signals),          ENTRY(foreground_group_rules),
    ENTRY(input_by_ioctl),
};
TEST_MAIN(cases)
