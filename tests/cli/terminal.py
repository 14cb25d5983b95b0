# SPDX-License-Identifier: BSD-3-Clause
# A user at a terminal: bash with job control, and in it a command, native or by clade. terminal.py COMMAND...
# Prints what happened in words that are the same for both.
import os, pty, select, sys, time

PATIENCE = 60


class Terminal:
    def __init__(self, *command):
        self.pid, self.fd = pty.fork()
        if not self.pid:
            os.environ["TERM"] = "dumb"
            os.execvp(command[0], command)
        self.seen = b""

    def type(self, text):
        os.write(self.fd, text.encode())

    # Waits until the terminal shows a text; what comes behind it is kept.
    def wait(self, text):
        text = text.encode()
        end = time.monotonic() + PATIENCE
        while text not in self.seen:
            if not select.select([self.fd], [], [], max(0, end - time.monotonic()))[0]:
                sys.exit(f"no {text} in {self.seen}")
            try:
                self.seen += os.read(self.fd, 4096)
            except OSError:
                sys.exit(f"no {text} in {self.seen}")
        self.seen = self.seen[self.seen.index(text) + len(text):]
        print("saw", text.decode())


command = " ".join(sys.argv[1:])
shell = Terminal("bash", "--norc", "--noediting", "-i")
shell.type("PS1='rea''dy>'; set -b\n")
shell.wait("ready>")

# Ctrl-Z, and back. [signal(7): SIGTSTP is 20]
shell.type(f"{command} sh -c 'echo sta\"\"rt; cat'\n")
shell.wait("start")
shell.type("one\n")
shell.wait("one\r\none\r\n")  # cat reads: while sh waits in vfork, Ctrl-Z would stop the one, not the other
shell.type("\x1a")
shell.wait("ready>")
shell.type("echo status $?\n")
shell.wait("status 148")
shell.type("fg\n")
shell.wait("; cat'")
shell.type("two\n")
shell.wait("two\r\ntwo\r\n")
shell.type("\x03")
shell.wait("ready>")
shell.type("echo status $?\n")
shell.wait("status 130")

# Ctrl-C ends a script's loop, not only what runs in it.
script = Terminal("bash", "-c", f"for i in 1 2; do {command} sh -c 'echo start; exec cat'; done; echo ended by $?")
script.wait("start")
script.type("\x03")
print("status", os.waitpid(script.pid, 0)[1])

# In the background neither input nor settings can be had.
for job in "cat", "stty -echo":
    shell.type(f"{command} {job} &\n")
    shell.wait("Stopped")
    shell.type("kill %%; wait; echo go''ne\n")
    shell.wait("gone")
shell.type("stty -a | grep -wo '.echo'; echo te''sted\n")
shell.wait(" echo")
shell.wait("tested")

# A part of the terminal is enough for all of /dev/tty.
shell.type(f"echo | {command} sh -c 'echo sta\"\"rt; read answer </dev/tty; echo answer $answer'\n")
shell.wait("start")
shell.type("yes\n")
shell.wait("answer yes")
shell.type(f"{command} sh -c 'echo prom''pt >/dev/tty; cat' >taken; cat taken\n")
shell.wait("prompt")
shell.type("line\n\x04")
shell.wait("line\r\nline\r\n")

# Nobody can continue a session's leader: Ctrl-Z does nothing.
leader = Terminal(*sys.argv[1:], "sh", "-c", "echo start; read a; echo answer $a")
leader.wait("start")
leader.type("\x1a")
leader.wait("^Z")
leader.type("yes\n")
leader.wait("answer yes")
