"""Tests of the checker for Encore: run with `python -m unittest` in this directory, or `discover -s` it."""

import contextlib
import io
import json
import tempfile
import unittest
from pathlib import Path

import validate_encore

TABLE = Path(__file__).parent / "encore" / "operations.json"
SHA = "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d"
ROLLOUT = {"id": "roll_1", "status": "running", "conclusion": "pending", "build": {"status": "running", "conclusion": "unknown"}}


def exchange(method="POST", path="/api/apps/shop/envs/prod/rollouts", request=None, status=200, response=None):
    return {
        "platform": "encore", "method": method, "path": path, "query": {}, "request": request, "status": status,
        "response": response,
    }


class Checks(unittest.TestCase):
    """What one exchange is found guilty of."""

    def setUp(self):
        self.validation = validate_encore.Validation(
            validate_encore.Table(json.loads(TABLE.read_text(encoding="utf-8"))))

    def problems(self, **members):
        return self.validation.problems_of(exchange(**members))[1]

    def test_a_right_trigger_has_no_problem(self):
        self.assertEqual(self.problems(request={"sha": SHA}, response=ROLLOUT), [])
        self.assertEqual(self.problems(request={"sha": SHA, "skip_tests": True}, response=ROLLOUT), [])

    def test_both_or_neither_of_sha_and_branch_is_a_problem(self):
        for body in ({}, {"sha": SHA, "branch": "main"}):
            self.assertIn("exactly one", " ".join(self.problems(request=body, response=ROLLOUT)))

    def test_a_short_commit_an_unknown_key_and_a_wrong_type_are_reported(self):
        found = self.problems(request={"sha": "1a2b3c4", "wait": True, "skip_tests": "yes"}, response=ROLLOUT)
        self.assertEqual(len(found), 3, found)

    def test_an_unknown_word_and_an_id_without_its_prefix_are_reported(self):
        wrong = {**ROLLOUT, "id": "1", "status": "done"}
        self.assertEqual(len(self.problems(request={"sha": SHA}, response=wrong)), 2)

    def test_an_operation_that_does_not_exist_is_reported(self):
        found = self.problems(method="GET", path="/api/apps/shop/rollouts", response=[])
        self.assertEqual(found, ["the contract has no such operation"])
        found = self.problems(method="GET", path="/api/apps/shop/rollouts/1", response=ROLLOUT)
        self.assertEqual(found, ["the contract has no such operation"])

    def test_the_token_is_asked_for_by_a_form(self):
        answer = {"access_token": "a", "token_type": "Bearer", "expires_in": 3600, "actor": "o2c_1"}
        path = "/api/oauth/token"
        form = "grant_type=client_credentials&client_id=a&client_secret=b"
        self.assertEqual(self.problems(path=path, request=form, response=answer), [])
        self.assertEqual(len(self.problems(path=path, request={"client_id": "a"}, response=answer)), 1)
        fields = {"grant_type": "client_credentials", "client_id": "a", "client_secret": "b"}
        self.assertEqual(self.problems(path=path, request=fields, response=answer), [])

    def test_enveloped_routes_need_their_envelope(self):
        environments = [{"id": "1", "slug": "prod", "type": "production", "cloud": "aws"}]
        right = {"ok": True, "data": environments}
        self.assertEqual(self.problems(method="GET", path="/apps/shop/envs", response=right), [])
        self.assertEqual(
            self.problems(method="GET", path="/apps/shop/envs", response=environments), ["response: no envelope"])
        refused = {"ok": False, "error": {"code": "app_not_found"}}
        self.assertEqual(self.problems(method="GET", path="/apps/shop/envs", status=400, response=refused), [])
        self.assertEqual(len(self.problems(method="GET", path="/apps/shop/envs", status=400, response={"ok": False})), 1)

    def test_secrets_are_checked_by_their_document(self):
        query = "mutation CreateSecretVersion($input: CreateSecretVersion!) { createSecretVersion(input: $input) { id } }"
        right = {"groupID": "secgrp_1", "plaintextValue": "hush", "etag": "e"}
        answer = {"data": {"createSecretVersion": {"id": "1"}}}
        body = {"query": query, "variables": {"input": right}}
        self.assertEqual(self.problems(path="/graphql", request=body, response=answer), [])
        body = {"query": query, "variables": {"input": {**right, "etag": 5}}}
        found = self.problems(path="/graphql", request=body, response=answer)
        self.assertEqual(found, ["variables.input.etag: integer, not text"])

    def test_trouble_on_the_way_is_no_problem_of_the_contract(self):
        self.assertEqual(self.problems(request={"sha": SHA}, status=502, response="<html>"), [])
        self.assertEqual(self.problems(request={"sha": SHA}, status=0, response=None), [])
        self.assertEqual(len(self.problems(request={"sha": SHA}, status=418, response={})), 1)


class CommandLine(unittest.TestCase):
    """What is printed for whole files."""

    def run_main(self, lines):
        with tempfile.TemporaryDirectory() as directory:
            record = Path(directory, "record.jsonl")
            record.write_text("\n".join(lines))
            output, errors = io.StringIO(), io.StringIO()
            with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
                code = validate_encore.main([str(TABLE), str(record)])
            return code, output.getvalue().splitlines(), errors.getvalue()

    def test_problems_exit_1_and_show_no_value(self):
        line = json.dumps(exchange(request={"sha": "hush-hush"}, response=ROLLOUT))
        code, lines, _ = self.run_main([line, line])
        self.assertEqual(code, 1)
        self.assertIn("trigger: request.sha: no sha40 (2 times, first at ", lines[0])
        self.assertNotIn("hush", "".join(lines))

    def test_other_platforms_are_passed_over_and_nothing_is_an_error(self):
        code, lines, errors = self.run_main([json.dumps({"platform": "vercel"})])
        self.assertEqual((code, lines), (2, []))
        self.assertIn("nothing was checked", errors)


if __name__ == "__main__":
    unittest.main()
