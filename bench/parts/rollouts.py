"""What the rules of a rollout do to healthy and to bad services by chance, simulated with the rules themselves."""

import json
import os
import subprocess

from .tools import Row

GROUP = "Simulated rollouts: errors `< 1` and `> 2` percent, 48 looks, default settings"


def measure(folder, rounds):
    bench = os.path.abspath(os.environ.get("ROOM_BENCH", "bin/RoomBench"))
    found = json.loads(subprocess.run([bench, "rollouts"], capture_output=True, text=True, check=True).stdout)
    rows = []
    for cell in found["cells"]:
        share, each = cell["truePercent"], cell["requests"]
        stopped = f"{cell['stopped'] * 100:.1f} % rolled back"
        if share <= 1:
            rows.append(Row(f"a true {share:g} %, {each} requests a look", f"{stopped}; by a bare threshold {cell['bare'] * 100:.1f} %",
                            "≤ 1 %", cell["stopped"] <= 0.01, GROUP))
            continue
        # Looked at once a reading, so up to one more reading goes by.
        limit = cell["expected"] + each
        value = f"{stopped}, after {cell['mean']:.0f} requests in the mean"
        # What is as bad as the bound itself is found sooner or later; only what is worse has a promise.
        goal = f"all, ≤ {cell['expected']:.0f} + one look" if share >= 4 else ""
        met = cell["stopped"] >= 0.999 and cell["mean"] <= limit if share >= 4 else None
        rows.append(Row(f"a true {share:g} %, {each} requests a look", value, goal, met, GROUP))
    return rows
