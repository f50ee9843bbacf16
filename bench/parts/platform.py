"""Against the offline twin: a plan of many services, and a rollback."""

import os
import sys
import time

from .tools import HEAD, Project, Row, SHIPIT, Twin, median, run, service


def calls(twin):
    return len(twin.control("requests"))


def measure(folder, rounds):
    return plans(folder, max(5, rounds // 8)) + [rollback(folder)]


def plans(folder, rounds):
    counts, ended = {}, {}
    for size in (8, 200):
        names = [f"s{number}" for number in range(size)]
        project = Project(
            os.path.join(folder, f"plan-{size}"), HEAD + "services:\n" + "".join(service(name) for name in names))
        with Twin(folder, names, 10_000) as twin:
            before = calls(twin)
            run([SHIPIT, "plan", "bench"], project.folder, twin.variables)
            counts[size] = calls(twin) - before
            ended[size] = [run([SHIPIT, "plan", "bench"], project.folder, twin.variables) for _ in range(rounds)]
    # With the five git that it starts: the system counts children that have ended.
    spent = {size: median([one.cpu for one in found]) * 1000 for size, found in ended.items()}
    peak = {size: median([one.memory for one in found]) for size, found in ended.items()}
    cpu, memory = spent[200], peak[200]
    group = "A plan of 200 services on the twin"
    return [
        Row("own processor time", f"{cpu:.0f} ms", "≤ 25 ms", cpu <= 25, group),
        Row("peak memory", f"{memory:.1f} MB", "≤ 30 MB", memory <= 30, group),
        Row("the same for 8 services", f"{spent[8]:.0f} ms, {peak[8]:.1f} MB", "", None, group),
        Row("calls of the platform for 8 and for 200 services", f"{counts[8]} and {counts[200]}", "equal",
            counts[8] == counts[200], group),
    ]


NEWEST = """query Newest($input: DeploymentListInput!) {
  deployments(input: $input, first: 1) { edges { node { id status } } } }"""
LIST = """query All($input: DeploymentListInput!) {
  deployments(input: $input, first: 10) { edges { node { id status } } } }"""
BACK = "mutation Back($id: String!) { deploymentRollback(id: $id) }"


def rollback(folder):
    """`shipit rollback` of two services in order, against the bare calls of the platform in the same order."""
    names = ["api", "web"]
    project = Project(
        os.path.join(folder, "rollback"), HEAD + "services:\n" + service("api") + service("web", ["api"]))
    with Twin(folder, names, 1) as twin:
        for _ in range(2):
            project.commit()
            run([SHIPIT, "deploy", "bench", "--yes"], project.folder, twin.variables)
        ours = run([SHIPIT, "rollback", "bench", "--yes"], project.folder, twin.variables).wall
        state = twin.control("state")
        places = {}
        for item in state["services"]:
            name = item.get("service") or item.get("name")
            if name in names:
                places[name] = {"serviceId": item["serviceId"], "environmentId": item["environmentId"]}
        start = time.perf_counter()
        for name in names:
            nodes = [edge["node"] for edge in twin.graphql(LIST, {"input": places[name]})["deployments"]["edges"]]
            # The newest is live, the one before it was rolled back from.
            twin.graphql(BACK, {"id": nodes[1]["id"]})
            deadline = time.perf_counter() + 60
            while True:
                newest = twin.graphql(NEWEST, {"input": places[name]})["deployments"]["edges"][0]["node"]
                if newest["id"] != nodes[0]["id"] and newest["status"] == "SUCCESS":
                    break
                if time.perf_counter() > deadline:
                    sys.exit("bench: the platform's own rollback did not end")
                time.sleep(0.05)
        theirs = time.perf_counter() - start
    ratio = ours / theirs
    return Row("`rollback` of two services against the platform's own chain", f"{ours:.2f} s and {theirs:.2f} s, {ratio:.2f} ×",
               "≤ 1.1 ×", ratio <= 1.1, "A rollback on the twin")
