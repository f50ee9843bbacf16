"""Tests of the checker itself: run by scripts/test, or `python test_validate.py`."""

import importlib.util
import unittest
from pathlib import Path

specification = importlib.util.spec_from_file_location("validate", Path(__file__).with_name("validate.py"))
validate = importlib.util.module_from_spec(specification)
specification.loader.exec_module(validate)

PROSE = """Semantic patches.

#### turnFlagOn

Sets it on.

```json
{"instructions": [{"kind": "turnFlagOn", "- `example`": 1}]}
```

#### updateRule

##### Parameters

- `ruleId`: The rule.
- `rolloutWeights`: (Optional) The weights.
"""

DOCUMENT = {
    "components": {"schemas": {}},
    "paths": {
        "/api/v2/flags/{p}/{f}": {
            "patch": {"operationId": "patchFeatureFlag", "description": PROSE, "responses": {"200": {}, "405": {}}}}},
}


class Checks(unittest.TestCase):
    def problems(self, *instructions, **members):
        validation = validate.Validation(validate.github.Description(DOCUMENT), set())
        request = {"comment": "c", "environmentKey": "e", "instructions": list(instructions), **members}
        return validation.check({
            "method": "PATCH", "path": "/api/v2/flags/shop/f", "request": request, "status": 200})[1]

    def test_what_the_prose_documents_has_no_problem(self):
        self.assertEqual(self.problems({"kind": "turnFlagOn"}, {"kind": "updateRule", "ruleId": "r"}), [])

    def test_an_unknown_kind_is_found(self):
        self.assertEqual(self.problems({"kind": "turnOn"}), ["request: unknown instruction: turnOn"])

    def test_an_unknown_parameter_is_found(self):
        self.assertEqual(
            self.problems({"kind": "updateRule", "rule": "r"}), ["request: updateRule: unknown parameter: rule"])

    def test_weights_add_up(self):
        self.assertEqual(
            self.problems({"kind": "updateRule", "rolloutWeights": {"a": 10}}),
            ["request: updateRule: the weights do not add up to 100000"])

    def test_an_unknown_member_is_found(self):
        self.assertEqual(self.problems({"kind": "turnFlagOn"}, more=1), ["request: unknown: more"])


if __name__ == "__main__":
    unittest.main()
