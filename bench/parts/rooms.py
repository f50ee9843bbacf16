"""What single rooms take: the ledger, the lease, the probe of health, the redactor."""

import json
import os
import signal
import subprocess
import time

from .tools import HEAD, Project, Row, SHIPIT, Twin, median, run, service


def measure(folder, rounds):
    bench = os.path.abspath("bin/RoomBench")
    found = json.loads(subprocess.run([bench, folder], capture_output=True, text=True, check=True).stdout)
    group = "Rooms by themselves"
    rows = []
    ratio = found["durableEntryMs"] / found["durableFloorMs"]
    rows.append(Row(
        "a durable entry of the journal against write and fdatasync",
        f"{found['durableEntryMs']:.2f} ms and {found['durableFloorMs']:.2f} ms, {ratio:.2f} ×", "≤ 1.5 ×", ratio <= 1.5, group))
    for name, over in sorted(found["overshoot"].items()):
        rows.append(Row(
            f"{name.replace('overshoot', 'health: mean lateness, ready after')}", f"{over['mean']:.2f} s", "≤ 5 % + 0.1 s",
            over["share"] <= 1, group))
    rows.append(Row(
        "redaction of 100 secrets", f"{found['redactionMBs']:.0f} MB/s", "≥ 100 MB/s", found["redactionMBs"] >= 100, group))
    rows.append(Row(
        "secrets that came through 100,000 random cuts", str(found["missesOfChunkings"]), "0", found["missesOfChunkings"] == 0, group))
    rows.append(hand_off(folder, max(5, rounds // 8)))
    return rows


def hand_off(folder, rounds):
    """From the kill of a holder to the moment the next one has done its work, beside that work undisturbed."""
    project = Project(
        os.path.join(folder, "lease"),
        HEAD + "services:\n" + service("api", ["wait"]) + "run:\n  - {name: wait, run: [sleep, \"5\"]}\n")
    hold = [SHIPIT, "hold", "bench", "--reason", "bench"]
    late = []
    with Twin(folder, ["api"], 10_000) as twin:
        for _ in range(rounds):
            run([SHIPIT, "unhold", "bench"], project.folder, twin.variables)
            free = run(hold, project.folder, twin.variables).wall
            run([SHIPIT, "unhold", "bench"], project.folder, twin.variables)
            project.commit()
            holder = subprocess.Popen(
                [SHIPIT, "deploy", "bench", "--yes", "--json"], cwd=project.folder,
                env={**os.environ, **twin.variables}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            for line in holder.stdout:
                if json.loads(line).get("type") == "step-began":
                    break
            start = time.perf_counter()
            holder.send_signal(signal.SIGKILL)
            # Who comes while the dead one is being cleared away is told that it is held, and comes again.
            while run(hold, project.folder, twin.variables, codes=(0, 5)).code == 5:
                pass
            late.append(time.perf_counter() - start - free)
            holder.wait()
    spent = median(late)
    return Row("the lease of a killed holder, until the next has it", f"{spent * 1000:.0f} ms", "≤ 100 ms", spent <= 0.1,
               "Rooms by themselves")
