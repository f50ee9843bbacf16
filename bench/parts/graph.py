"""200 nodes that run a program: what the engine and its journal cost beside the programs themselves."""

import json
import os
import shutil
import subprocess
import sys
import time

from .tools import HEAD, Project, Row, SHIPIT, Twin, build, in_turn, median, run, service

NODES, LAYER = 200, 10


def needs(shape, node):
    if shape == "chain":
        return [node - 1] if node else []
    if shape == "layers" and node >= LAYER:
        first = node // LAYER * LAYER - LAYER
        return list(range(first, first + LAYER))
    return []


def environment(shape, command):
    lines = [
        f"  - {{name: n{node}, run: {json.dumps(command)}, needs: [{', '.join(f'n{other}' for other in needs(shape, node))}]}}\n"
        for node in range(NODES)]
    # Without a change of a service nothing is run; it comes last, and is not part of what is measured.
    return HEAD + "services:\n" + service("last", [f"n{node}" for node in range(NODES)]) + "run:\n" + "".join(lines)


def span(project, twin):
    """Seconds from the first step that begins to the last that ends, of the `run:` steps, in one deploy."""
    project.commit()
    child = subprocess.run(
        [SHIPIT, "deploy", "bench", "--yes", "--json"], cwd=project.folder,
        env={**os.environ, **twin.variables}, capture_output=True, text=True)
    if child.returncode != 0:
        sys.exit(f"bench: the graph ended with {child.returncode}: {child.stderr}{child.stdout[-500:]}")
    moments = []
    for line in child.stdout.splitlines():
        event = json.loads(line)
        if event.get("type") in ("step-began", "step-ended") and str(event.get("step", "")).startswith("run."):
            day, clock = event["at"].rstrip("Z").split("T")
            hours, minutes, seconds = clock.split(":")
            moments.append(int(hours) * 3600 + int(minutes) * 60 + float(seconds))
    return max(moments) - min(moments)


def makefile(folder, shape):
    os.makedirs(folder)
    with open(os.path.join(folder, "Makefile"), "w", encoding="utf-8") as file:
        file.write("all: " + " ".join(f"n{node}" for node in range(NODES)) + "\n")
        for node in range(NODES):
            # The exec spares make its shell.
            file.write(f"n{node}: {' '.join(f'n{other}' for other in needs(shape, node))}\n\t@true\n")


def terraform(folder, shape):
    os.makedirs(folder)
    with open(os.path.join(folder, "main.tf"), "w", encoding="utf-8") as file:
        for node in range(NODES):
            before = ", ".join(f"terraform_data.n{other}" for other in needs(shape, node))
            file.write(
                f'resource "terraform_data" "n{node}" {{\n  depends_on = [{before}]\n'
                '  provisioner "local-exec" { command = "true" }\n}\n')
    run(["terraform", "init", "-input=false"], folder, {"CHECKPOINT_DISABLE": "1"})


def apply(folder):
    for name in ("terraform.tfstate", "terraform.tfstate.backup"):
        if os.path.exists(os.path.join(folder, name)):
            os.remove(os.path.join(folder, name))
    return run(["terraform", "apply", "-auto-approve", "-input=false", "-parallelism=10"], folder,
               {"CHECKPOINT_DISABLE": "1"}).wall


def measure(folder, rounds):
    rows = []
    group = "A graph of 200 nodes that run `true`"
    floor = build("graph.c", folder)
    for shape, words in (("flat", "flat"), ("chain", "chain"), ("layers", "20 layers of 10")):
        project = Project(os.path.join(folder, f"graph-{shape}"), environment(shape, ["true"]))
        makefile(os.path.join(folder, f"make-{shape}"), shape)
        journal = os.path.join(project.folder, ".shipit-floor")
        with Twin(folder, ["last"], 10_000) as twin:
            programs = {
                "C": lambda: run([floor, shape, journal, "true"]).wall,
                "shipit": lambda: span(project, twin),
                "make": lambda: run(["make", "-s", "-j10"], os.path.join(folder, f"make-{shape}")).wall,
            }
            found = in_turn(programs, max(5, rounds // 8))
        medians = {name: median(values) for name, values in found.items()}
        base = medians["C"]
        ratio = medians["shipit"] / base
        rows.append(Row(f"{words}: shipit, journal on", f"{medians['shipit']:.3f} s, {ratio:.2f} × C", "≤ 1.5 ×", ratio <= 1.5, group))
        rows.append(Row(f"{words}: C, two fdatasync a node", f"{base:.3f} s", "", None, group))
        rows.append(Row(f"{words}: make -j10, which keeps no journal", f"{medians['make']:.3f} s, {medians['make'] / base:.2f} × C", "", None, group))
        if shutil.which("terraform"):
            place = os.path.join(folder, f"terraform-{shape}")
            terraform(place, shape)
            theirs = in_turn({"C": programs["C"], "terraform": lambda: apply(place)}, 2, warm=0)
            theirs = {name: median(values) for name, values in theirs.items()}
            rows.append(Row(f"{words}: terraform apply -parallelism=10", f"{theirs['terraform']:.3f} s, {theirs['terraform'] / theirs['C']:.1f} × C", "", None, group))
    rows.append(sleeping(folder))
    return rows


def sleeping(folder):
    """Ten at once that each sleep for a tenth of a second: what is lost between them."""
    project = Project(os.path.join(folder, "graph-sleep"), environment("flat", ["sleep", "0.1"]))
    with Twin(folder, ["last"], 10_000) as twin:
        spent = median([span(project, twin) for _ in range(3)])
    bound = NODES / 10 * 0.1
    return Row("200 × `sleep 0.1`, ten at once", f"{spent:.3f} s, {spent / bound:.3f} × the bound of {bound:.1f} s", "≤ 1.08 ×",
               spent / bound <= 1.08, "Ten at once")
