"""What every part of the benchmark uses: scratch projects, the twin, children that are timed."""

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
import urllib.request

SHIPIT = os.path.abspath("bin/shipit")
TOKEN = "bench-token"


class Row:
    """One line of the page: what was measured, what came out, what it should be."""

    def __init__(self, what, value, goal, met, group):
        self.what, self.value, self.goal, self.met, self.group = what, value, goal, met, group
        verdict = {True: "met", False: "MISSED", None: "-"}[met]
        print(f"{verdict:7} {what:66} {value:32} {goal}", flush=True)


def compiler():
    """clang of the Swift toolchain, or what the system calls cc."""
    swift = shutil.which("swift")
    beside = os.path.join(os.path.dirname(os.path.realpath(swift)), "clang") if swift else ""
    return beside if os.path.exists(beside) else shutil.which("cc") or sys.exit("bench: there is no C compiler")


def build(source, folder):
    """A C program of this directory, compiled."""
    name = os.path.join(folder, os.path.basename(source).removesuffix(".c"))
    subprocess.check_call([compiler(), "-O2", "-Wall", "-o", name, os.path.abspath(os.path.join("bench", source))])
    return name


class Ended:
    """How a child ended: its code, seconds on the wall and on the processor, and its peak memory in MB."""

    def __init__(self, code, wall, usage):
        self.code, self.wall, self.cpu, self.memory = code, wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def run(command, folder=None, variables=None, codes=(0,)):
    """Runs a child to its end; ends the benchmark when it fails."""
    with open(os.devnull, "wb") as nowhere:
        start = time.perf_counter()
        child = subprocess.Popen(command, cwd=folder, env={**os.environ, **(variables or {})}, stdout=nowhere, stderr=nowhere)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - start
    code = child.returncode = os.waitstatus_to_exitcode(status)
    if code not in codes:
        sys.exit(f"bench: {' '.join(command)} in {folder} ended with {code}")
    return Ended(code, wall, usage)


def in_turn(programs, rounds, warm=1):
    """Name → list of results; the programs take turns, so that a slow moment of the machine meets all of them."""
    found = {name: [] for name in programs}
    for number in range(rounds + warm):
        for name, call in programs.items():
            result = call()
            # The first rounds fill caches.
            if number >= warm:
                found[name].append(result)
    return found


def median(values):
    return statistics.median(values)


class Project:
    """A repository with one environment."""

    def __init__(self, folder, environment):
        self.folder, self.commits = folder, 0
        os.makedirs(os.path.join(folder, "environments"))
        self.write("environments/bench.yaml", environment)
        self.write("app/file", "content\n")
        self.write(".gitignore", ".shipit/\n")
        self.git("init", "-q", "-b", "main", ".")
        self.commit()

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def git(self, *arguments):
        who = ["-c", "user.name=bench", "-c", "user.email=bench@example.com"]
        subprocess.check_call(["git", *who, *arguments], cwd=self.folder)

    def commit(self):
        self.commits += 1
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", f"commit {self.commits}")


class Twin:
    """`shipit twin` as a child; a context manager."""

    def __init__(self, folder, services, speed):
        seed = {
            "workspaces": [{"name": "bench", "plan": "pro"}],
            "projects": [{
                "name": "bench", "workspace": "bench", "environments": ["production"],
                "services": [{"name": name} for name in services]}],
            "tokens": [{"token": TOKEN, "kind": "account"}],
        }
        self.seed = os.path.join(folder, f"seed-{len(services)}-{speed}.json")
        self.speed = speed
        with open(self.seed, "w", encoding="utf-8") as file:
            json.dump(seed, file)

    def __enter__(self):
        self.child = subprocess.Popen(
            [SHIPIT, "twin", "--seed", self.seed, "--speed", str(self.speed)], stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True)
        line = self.child.stdout.readline()
        self.url = line.strip().split("=", 1)[1].strip("'\"")
        self.variables = {"SHIPIT_RAILWAY_URL": self.url, "RAILWAY_API_TOKEN": TOKEN}
        return self

    def __exit__(self, *_):
        self.child.terminate()
        self.child.wait()

    def control(self, path):
        with urllib.request.urlopen(f"{self.url}/_twin/{path}") as answer:
            return json.load(answer)

    def graphql(self, text, variables):
        body = json.dumps({"query": text, "variables": variables}).encode()
        request = urllib.request.Request(
            f"{self.url}/graphql/v2", data=body,
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}", "User-Agent": "bench"})
        with urllib.request.urlopen(request) as answer:
            found = json.load(answer)
        if found.get("errors"):
            sys.exit(f"bench: the twin refused a request: {found['errors']}")
        return found["data"]


HEAD = """shipit: 1
environment: bench
app: bench
state: local
platforms:
  railway: {project: bench, environment: production, token: {secret: RAILWAY_API_TOKEN}}
"""


def service(name, needs=(), start="sleep 1000"):
    return f"""  {name}:
    platform: railway
    source: {{directory: ./app}}
    needs: [{', '.join(needs)}]
    variables: {{LOG_LEVEL: info}}
    settings: {{start: "{start}"}}
    health: {{identity: none, soak: 0s, grace: 0s}}
"""
