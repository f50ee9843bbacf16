"""From start to exit: how long a command that does nothing takes, and one that reads a file."""

import os
import shutil

from .tools import HEAD, Row, SHIPIT, build, in_turn, median, run, service


def measure(folder, rounds):
    floor = build("floor.c", folder)
    project = os.path.join(folder, "start")
    os.makedirs(os.path.join(project, "environments"))
    file = os.path.join(project, "environments", "bench.yaml")
    with open(file, "w", encoding="utf-8") as text:
        text.write(HEAD + "services:\n" + "".join(service(f"s{number}") for number in range(8)))
    programs = {
        "`/bin/true`": lambda: run([shutil.which("true")]),
        "C: read the file, write a line": lambda: run([floor, file]),
        "`shipit version`": lambda: run([SHIPIT, "version"]),
        "`shipit validate`, 8 services": lambda: run([SHIPIT, "validate", "bench"], project),
    }
    if shutil.which("terraform"):
        programs["`terraform version`"] = lambda: run(["terraform", "version"], variables={"CHECKPOINT_DISABLE": "1"})
    found = in_turn(programs, rounds, warm=3)
    walls = {name: median([one.wall for one in results]) * 1000 for name, results in found.items()}
    rows = [Row(name, f"{wall:.2f} ms", "", None, "From start to exit") for name, wall in walls.items()]
    group = "From start to exit"
    version = walls["`shipit version`"]
    ratio = version / walls["`/bin/true`"]
    rows.append(Row("`version` against `/bin/true`", f"{ratio:.1f} ×", "≤ 9 ×", ratio <= 9, group))
    if "`terraform version`" in walls:
        faster = walls["`terraform version`"] / version
        rows.append(Row("`version` against Terraform's", f"{faster:.1f} × faster", "≥ 4 ×", faster >= 4, group))
    # Of the processor, which others on the machine do not change.
    own = median([one.cpu for one in found["`shipit validate`, 8 services"]]) * 1000
    rows.append(Row("`validate` of 8 services, processor time from start to exit", f"{own:.2f} ms", "≤ 10 ms", own <= 10, group))
    cpu = {name: median([one.cpu for one in found[name]]) * 1000 for name in ("`/bin/true`", "`shipit version`")}
    rows.append(Row("processor time of `version` and of `/bin/true`", f"{cpu['`shipit version`']:.2f} ms and {cpu['`/bin/true`']:.2f} ms", "", None, group))
    return rows
