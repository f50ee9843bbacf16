"""The picture of the terminal shows what a person would have seen."""

import os
import subprocess
import sys
import tempfile
import unittest
import xml.dom.minidom

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.path.join(ROOT, "scripts", "terminal-picture")
BEGIN, END = "\\033[?2026h", "\\033[?2026l"
# Three frames drawn in place, then a settled line.
STORY = (
    "printf 'deploy demo\\n';"
    f"for i in 1 2 3; do printf '{BEGIN}\\033[36mo\\033[0m deploy web  %s s\\n2 wait\\n{END}' $i;"
    f"printf '{BEGIN}\\r\\033[2A\\033[J{END}'; done;"
    "printf '\\033[32mok\\033[39m deploy web \\346\\227\\245 & <b>\\n'"
)


def picture(*options, story=STORY):
    return subprocess.run(
        [sys.executable, PROGRAM, *options, "--", "bash", "-c", story], capture_output=True, text=True, timeout=20)


class TerminalPicture(unittest.TestCase):
    def test_shows_the_end_without_what_was_erased(self):
        self.assertEqual(picture("--text").stdout, "deploy demo\nok deploy web 日 & <b>\n")

    def test_shows_a_moment_in_between(self):
        self.assertEqual(picture("--text", "--at-text", "web  2 s").stdout, "deploy demo\no deploy web  2 s\n2 wait\n")

    def test_fails_when_the_moment_never_came(self):
        result = picture("--text", "--at-text", "web  9 s")
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("no screen showed", result.stderr)

    def test_draws_well_formed_svg_with_the_colours(self):
        drawn = picture("--title", "a & b").stdout
        spans = xml.dom.minidom.parseString(drawn).getElementsByTagName("tspan")
        self.assertEqual([span.getAttribute("fill") for span in spans], ["", "#8fd18f", ""])
        self.assertIn("日 & <b>", spans[2].firstChild.data)

    def test_gives_the_command_a_terminal_of_the_wanted_width(self):
        self.assertEqual(picture("--text", "--columns", "62", story="stty size").stdout, "40 62\n")

    def test_draws_a_recording_as_it_drew_the_run(self):
        with tempfile.TemporaryDirectory() as folder:
            kept = os.path.join(folder, "raw")
            first = picture("--record", kept, "--title", "t").stdout
            again = subprocess.run(
                [sys.executable, PROGRAM, "--replay", kept, "--title", "t"], capture_output=True, text=True)
            self.assertEqual(again.stdout, first)

    def test_keeps_what_scrolled_out(self):
        self.assertEqual(picture("--text", "--rows", "5", story="seq 9").stdout.split(), [str(n) for n in range(1, 10)])


if __name__ == "__main__":
    unittest.main()
