"""Who has a feature, as LaunchDarkly's SDKs decide it: a service of yours uses the SDK. This one asks several times a
second what the flag is, and keeps the last answer when the store is away."""

import hashlib
import json
import threading
import time
import urllib.request

PAUSE = 0.1


def bucket(key: str, salt: str, user: str) -> float:
    """Where a user stands between 0 and 1, the same for every share."""
    digest = hashlib.sha1(f"{key}.{salt}.{user}".encode()).hexdigest()
    return int(digest[:15], 16) / 0xFFFFFFFFFFFFFFF


class Flag:
    """One flag of the store at `url`."""

    def __init__(self, key: str, url: str, sdk_key: str) -> None:
        self.key, self.url, self.sdk_key = key, url, sdk_key
        self.state: dict = {}
        threading.Thread(target=self.follow, daemon=True).start()

    def follow(self) -> None:
        request = urllib.request.Request(f"{self.url}/sdk/latest-all", headers={"Authorization": self.sdk_key})
        while True:
            try:
                with urllib.request.urlopen(request, timeout=2) as answer:
                    self.state = json.load(answer)["flags"][self.key]
            except (OSError, ValueError, KeyError):
                pass
            time.sleep(PAUSE)

    def serves(self, user: str) -> bool:
        state = self.state
        if not state.get("on"):
            return False
        rule = state["fallthrough"]
        chosen = rule.get("variation")
        if "rollout" in rule:
            at, reached = bucket(self.key, state["salt"], user), 0.0
            for part in rule["rollout"]["variations"]:
                reached += part["weight"] / 100_000
                chosen = part["variation"]
                if at < reached:
                    break
        return state["variations"][chosen] is True
