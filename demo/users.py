#!/usr/bin/env python3
"""Forty users who ask for their price, one after the other, again and again.

    demo/users.py URL

Runs until SIGTERM, then prints how many answers there were, how many of them errors, and how many users had the feature, one number after
the other.
"""

import http.client
import json
import signal
import sys
import threading
import time
import urllib.parse

USERS = 40
PAUSE = 0.01


def main():
    url = urllib.parse.urlsplit(sys.argv[1])
    # A name below .localhost is this machine, whatever the resolver thinks of it.
    host = "127.0.0.1" if (url.hostname or "").endswith(".localhost") else url.hostname
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    # Who has the feature, and one entry for each number of them that stood for a whole round of all users.
    have, story, before = set(), [], -1
    answers = errors = 0
    turn = 0
    while not stopped.wait(PAUSE):
        turn += 1
        user = f"user-{turn % USERS}"
        connection = http.client.HTTPConnection(host, url.port or 80, timeout=2)
        try:
            connection.request("GET", f"/price?user={user}", headers={"Host": url.netloc})
            response = connection.getresponse()
            body = json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError):
            continue
        finally:
            connection.close()
        answers += 1
        errors += response.status >= 500
        (have.add if body.get("feature") else have.discard)(user)
        if turn % USERS == 0:
            if len(have) == before and story[-1:] != [before]:
                story.append(before)
            before = len(have)
    print(f"{answers} answers, {errors} errors; of {USERS} users had the feature: " + " → ".join(map(str, story)))


if __name__ == "__main__":
    main()
