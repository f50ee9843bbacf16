#!/usr/bin/env python3
"""Holds recorded exchanges with LaunchDarkly against its published description.

    validate.py DESCRIPTION EXCHANGES...

As the checker of GitHub's, whose code it uses, with one thing more: the description gives semantic patches in prose.
There every instruction has a heading with its kind, and a list of its parameters; nothing else may be sent.
"""

import importlib.util
import re
import sys
from pathlib import Path

_specification = importlib.util.spec_from_file_location(
    "github_validate", Path(__file__).parents[1] / "github" / "validate.py")
github = importlib.util.module_from_spec(_specification)
_specification.loader.exec_module(github)


def instructions_of(prose):
    """The parameters of each kind of instruction that the prose documents."""
    kinds = {}
    for part in re.split(r"^#### ", prose, flags=re.MULTILINE)[1:]:
        kind = re.match(r"(\w+)\s*$", part.splitlines()[0].strip())
        if not kind:
            continue
        # The parameters stand before the example.
        text = part.split("```", 1)[0]
        kinds[kind.group(1)] = set(re.findall(r"^\s*- `(\w+)`:", text, flags=re.MULTILINE))
    return kinds


class Validation(github.Validation):
    def request(self, operation, value):
        if operation["operationId"] == "patchFeatureFlag" and isinstance(value, dict) and "instructions" in value:
            return self.semantic(operation, value)
        if operation["operationId"] == "postApprovalRequestForFlag" and isinstance(value, dict):
            patch = self.description.find("PATCH", "/api/v2/flags/p/f")
            return super().request(operation, value) + self.instructions(patch, value.get("instructions"))
        return super().request(operation, value)

    def semantic(self, operation, value):
        problems = [f"request: unknown: {name}" for name in value if name not in ("comment", "environmentKey", "instructions")]
        for name in ("comment", "environmentKey"):
            if not isinstance(value.get(name), str):
                problems.append(f"request: {name}: is no text")
        return problems + self.instructions(operation, value["instructions"])

    def instructions(self, operation, listed):
        known = instructions_of(operation["description"])
        if not isinstance(listed, list) or not listed:
            return ["request: there are no instructions"]
        problems = []
        for instruction in listed:
            kind = instruction.get("kind")
            if kind not in known:
                problems.append(f"request: unknown instruction: {kind}")
                continue
            problems += [
                f"request: {kind}: unknown parameter: {name}"
                for name in instruction if name != "kind" and name not in known[kind]]
            weights = instruction.get("rolloutWeights")
            if weights is not None and sum(weights.values()) != 100_000:
                problems.append(f"request: {kind}: the weights do not add up to 100000")
        return problems


def main(arguments=None):
    return github.main(arguments, "launchdarkly", Validation, __doc__, Path(__file__).with_name("exceptions.txt"))


if __name__ == "__main__":
    sys.exit(main())
