# SPDX-License-Identifier: GPL-3.0-or-later
"""A terminal that is looked at as a person would: by its screen."""
import re
import time

import pexpect
import pyte

PROMPT = "bpfman> "
TAB, REVERSE_SEARCH, CTRL_C, CTRL_D, UP = "\t", "\x12", "\x03", "\x04", "\x1b[A"
ESC, ENTER, F1, PASTE, PASTE_END = "\x1b", "\r", "\x1bOP", "\x1b[200~", "\x1b[201~"


class PyteScreen(pyte.Screen):
    """pyte's, which forgets to clear the place of a line that was never written to when it moves."""

    def _touch(self):
        for y in range(self.lines):
            self.buffer[y]  # pylint: disable=pointless-statement

    def insert_lines(self, count=None):
        self._touch()
        super().insert_lines(count)

    def delete_lines(self, count=None):
        self._touch()
        super().delete_lines(count)


class Terminal:
    """A program on a terminal that is looked at as a person would: by its screen."""

    def __init__(self, child, rows=24, columns=80):
        self.child = child
        self.screen = PyteScreen(columns, rows)
        self.stream = pyte.Stream(self.screen)
        self.raw = ""

    def lines(self):
        return [line.rstrip() for line in self.screen.display]

    def text(self):
        return "\n".join(self.lines()).rstrip("\n")

    def line(self):
        """The line the cursor is on, up to the cursor."""
        return self.screen.display[self.screen.cursor.y][:self.screen.cursor.x]

    def read(self, condition, what, timeout=20):
        """Reads until condition is true of the screen; its value."""
        end = time.monotonic() + timeout
        while not (value := condition()):
            assert time.monotonic() < end, f"no {what} after {timeout} s:\n{self.text()}"
            try:
                said = self.child.read_nonblocking(65536, 0.1)
            except pexpect.TIMEOUT:
                continue
            except pexpect.EOF:
                value = condition()
                assert value, f"it ended without {what}:\n{self.text()}"
                return value
            self.raw += said
            self.stream.feed(said)
        return value

    def see(self, pattern, **options):
        """Waits until the screen shows a text that matches."""
        return self.read(lambda: re.search(pattern, self.text(), re.M), f"/{pattern}/", **options)

    def see_prompt(self, typed=""):
        return self.read(lambda: self.line() == PROMPT + typed, f"prompt with {typed!r}")

    def type(self, text):
        self.child.send(text)

    def run(self, line):
        """Enters a line, waits for the next prompt: the lines between."""
        self.type("\x0c")  # an empty screen
        self.read(lambda: self.screen.cursor.y == 0 and self.line() == PROMPT, "empty screen")
        self.type(line + "\r")
        self.read(lambda: self.screen.cursor.y > 0 and self.line() == PROMPT, f"end of {line!r}")
        return self.lines()[1:self.screen.cursor.y]

    def ended(self, timeout=20):
        """Waits for the end: the exit status, negative for a signal."""
        end = time.monotonic() + timeout
        while True:  # what it said last is still in the terminal when it is gone
            try:
                said = self.child.read_nonblocking(65536, 0.1)
            except pexpect.TIMEOUT:
                assert time.monotonic() < end, f"no end after {timeout} s:\n{self.text()}"
                continue
            except pexpect.EOF:
                break
            self.raw += said
            self.stream.feed(said)
        self.child.wait()
        self.child.close()
        return -self.child.signalstatus if self.child.signalstatus else self.child.exitstatus
