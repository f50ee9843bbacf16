#!/usr/bin/env python3
"""Asks public addresses every 50 ms, as users would, and judges what they got.

    demo/watch.py ALLOWED NAME=URL#PATH.TO.REVISION …

Runs until SIGTERM, then prints a line per address: how many answers, how many of them wrong, and which revisions
were served one after the other. ALLOWED is a file of lines `NAME COMMIT`, appended to while this runs: the
revisions that users may get at an address. An address is watched from its first good answer on; from then on no
answer, another status than 200, or a revision that is not allowed is wrong. Ends with 1 when an address that is
named with a trailing `!` (`web!=URL…`) had a wrong answer: one whose releases are staged must have none.
"""

import http.client
import json
import signal
import sys
import threading
import time
import urllib.parse

PAUSE = 0.05


class Watch:
    """One address."""

    def __init__(self, name, address):
        self.is_strict = name.endswith("!")
        self.name = name.rstrip("!")
        url, _, self.path = address.partition("#")
        self.url = urllib.parse.urlsplit(url)
        # Runs of equal answers: [what, first moment, last moment, how many].
        self.seen = []
        self.count = 0

    def look(self):
        """The revision that answers now, or what went wrong, in words that are no revision."""
        # A name below .localhost is this machine, whatever the resolver thinks of it.
        host = "127.0.0.1" if (self.url.hostname or "").endswith(".localhost") else self.url.hostname
        connection = http.client.HTTPConnection(host, self.url.port or 80, timeout=2)
        try:
            connection.request("GET", self.url.path or "/", headers={"Host": self.url.netloc})
            response = connection.getresponse()
            body = response.read()
            if response.status != 200:
                return f"status {response.status}"
            value = json.loads(body)
            for part in self.path.split("."):
                value = value[part]
            return str(value)
        except (OSError, http.client.HTTPException) as trouble:
            return f"no answer ({type(trouble).__name__})"
        except (ValueError, KeyError, TypeError):
            return "an answer without a revision"
        finally:
            connection.close()

    def run(self, stopped):
        while not stopped.is_set():
            moment = time.monotonic()
            answer = self.look()
            is_good = len(answer) == 40
            if self.seen or is_good:
                self.count += 1
                if self.seen and self.seen[-1][0] == answer:
                    self.seen[-1][2:] = [moment, self.seen[-1][3] + 1]
                else:
                    self.seen.append([answer, moment, moment, 1])
            stopped.wait(max(0, PAUSE - (time.monotonic() - moment)))

    def report(self, allowed):
        """Prints what was seen. True when there was nothing wrong."""
        wrong = sum(run[3] for run in self.seen if run[0] not in allowed)
        story = []
        for answer, first, last, _ in self.seen:
            words = answer[:7] if len(answer) == 40 else answer
            if answer not in allowed:
                words += f" for {last - first + PAUSE:.1f} s"
            story.append(words)
        print(f"{self.name:<5} {self.count} answers, {wrong} wrong: " + " → ".join(story[:12]), flush=True)
        return wrong == 0


def main():
    allowed_file, *targets = sys.argv[1:]
    watches = []
    for target in targets:
        name, _, address = target.partition("=")
        watches.append(Watch(name, address))
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    threads = [threading.Thread(target=watch.run, args=(stopped,)) for watch in watches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    allowed = {}
    with open(allowed_file, encoding="utf-8") as file:
        for line in file:
            name, commit = line.split()
            allowed.setdefault(name, set()).add(commit)
    # Each is judged and told, also after one that was wrong.
    verdicts = [watch.report(allowed.get(watch.name, set())) or not watch.is_strict for watch in watches]
    return 0 if all(verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
