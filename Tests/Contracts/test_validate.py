"""Tests of the checker itself: run with `python -m unittest` in this directory, or `discover -s` it."""

import contextlib
import io
import json
import tempfile
import unittest
from pathlib import Path

import graphql

import validate

SDL = """
  scalar Any
  enum Mood { HAPPY GRIM }
  interface Animal { id: ID!, name: String }
  type Lion implements Animal { id: ID!, name: String, manes: Int! }
  type Owl implements Animal { id: ID!, name: String, wingspan: Float }
  type Keeper { id: ID!, mood: Mood!, tame: Boolean, extra: Any, animals: [Animal!], notes: [[Int!]] }
  input Feed { keeper: ID!, grams: Int!, mood: Mood = HAPPY }
  type Query { keeper(id: ID!): Keeper, one: Animal }
  type Mutation { feed(input: Feed!): Keeper! }
"""

KEEPER = "query K($id: ID!) { keeper(id: $id) { id mood } }"
FEED = "mutation F($input: Feed!) { feed(input: $input) { id } }"


class Checks(unittest.TestCase):
    """What one exchange is found guilty of."""

    def setUp(self):
        self.schema = graphql.build_schema(SDL)

    def problems(self, query, variables=None, data=None, **members):
        exchange = {"query": query, "variables": variables, **members}
        if data is not None:
            exchange["response"] = {"data": data}
        return validate.Validation(self.schema).check(exchange)[1]

    def test_a_right_exchange_has_no_problem(self):
        data = {"keeper": {"id": "1", "mood": "HAPPY"}}
        self.assertEqual(self.problems(KEEPER, {"id": "1"}, data), [])
        self.assertEqual(self.problems(KEEPER, {"id": 1}, {"keeper": None}), [])
        self.assertEqual(self.problems(KEEPER, {"id": "1"}), [])

    def test_a_field_that_does_not_exist_is_reported(self):
        self.assertEqual(self.problems("{ one { size } }"), ["Cannot query field 'size' on type 'Animal'."])

    def test_a_text_that_is_no_graphql_is_reported(self):
        self.assertIn("Syntax Error", self.problems("{ one {")[0])

    def test_a_wrong_argument_and_an_unused_variable_are_reported(self):
        self.assertEqual(len(self.problems("query Q($a: Int) { one(x: 1) { id } }")), 2)

    def test_a_wrong_request_that_was_answered_is_marked(self):
        answered = self.problems("{ one { size } }", None, {"one": {"size": 1}})
        self.assertTrue(answered[0].endswith("It was answered all the same."), answered)
        lenient = self.problems(KEEPER, {}, {"keeper": None})
        self.assertTrue(lenient[0].endswith("It was answered all the same."), lenient)
        refused = self.problems("{ one { size } }", response={"errors": [{"message": "no"}]})
        self.assertEqual(refused, ["Cannot query field 'size' on type 'Animal'."])

    def test_the_operation_must_be_chosen(self):
        several = "query A { one { id } } query B { one { id } }"
        self.assertEqual(self.problems(several, operationName="A"), [])
        self.assertIn("no such operation", self.problems(several)[0])
        self.assertIn("no such operation", self.problems(several, operationName="C")[0])

    def test_variables_that_do_not_fit_are_reported_without_their_value(self):
        cases = [
            ({}, "variable $input of required type Feed! was not provided."),
            ({"input": None}, "variable $input: Expected non-nullable type 'Feed!' not to be None."),
            ({"input": {"keeper": 1}}, "Field 'grams' of required type 'Int!' was not provided."),
            ({"input": {"keeper": 1, "grams": "hush"}}, "variable $input.grams: Int cannot represent"),
            ({"input": {"keeper": 1, "grams": 1, "mood": "SAD"}}, "'SAD' does not exist in 'Mood' enum"),
            ({"input": {"keeper": 1, "grams": 1, "size": 1}}, "Field 'size' is not defined by type 'Feed'"),
        ]
        for variables, wanted in cases:
            problems = self.problems(FEED, variables)
            self.assertEqual(len(problems), 1, problems)
            self.assertIn(wanted, problems[0])
            self.assertNotIn("hush", problems[0])

    def test_an_enum_value_that_does_not_exist_is_reported(self):
        problems = self.problems(KEEPER, {"id": "1"}, {"keeper": {"id": "1", "mood": "SAD"}})
        self.assertEqual(problems, ["keeper.mood: 'SAD' is no value of enum Mood"])

    def test_null_where_none_may_be_is_reported(self):
        problems = self.problems(KEEPER, {"id": "1"}, {"keeper": {"id": None, "mood": "GRIM"}})
        self.assertEqual(problems, ["keeper.id: null, but its type is ID!"])
        notes = {"keeper": {"notes": [[1], None, [2, None]]}}
        nested = self.problems("{ keeper(id: 1) { notes } }", None, notes)
        self.assertEqual(nested, ["keeper.notes[][]: null, but its type is Int!"])

    def test_missing_and_unselected_members_are_reported(self):
        problems = self.problems(KEEPER, {"id": "1"}, {"keeper": {"id": "1", "name": "Ann"}})
        self.assertEqual(
            problems, ["keeper: name was not selected", "keeper.mood: selected, but missing"]
        )

    def test_leaf_and_list_types_are_checked(self):
        query = "{ keeper(id: 1) { id tame extra animals { id } } }"
        right = {"id": "1", "tame": True, "extra": {"any": [1]}, "animals": []}
        self.assertEqual(self.problems(query, None, {"keeper": right}), [])
        for member, value in [("id", 1), ("tame", 1), ("animals", {}), ("animals", ["x"])]:
            self.assertEqual(len(self.problems(query, None, {"keeper": {**right, member: value}})), 1)
        lion = "{ one { ... on Lion { manes } } }"
        for value in (True, 1.5, 2**31, "1"):
            self.assertEqual(len(self.problems(lion, None, {"one": {"manes": value}})), 1, value)

    def test_fragments_aliases_and_conditions_are_followed(self):
        query = """
          query Q($no: Boolean!) {
            one { kind: __typename ...A ... on Owl { wingspan } name @include(if: $no) }
          }
          fragment A on Animal { id }
        """
        owl = {"kind": "Owl", "id": "1", "wingspan": 1}
        self.assertEqual(self.problems(query, {"no": False}, {"one": owl}), [])
        self.assertEqual(self.problems(query, {"no": False}, {"one": {"kind": "Lion", "id": "1"}}), [])
        self.assertEqual(len(self.problems(query, {"no": True}, {"one": owl})), 1)
        self.assertEqual(len(self.problems(query, {"no": False}, {"one": {**owl, "kind": "Keeper"}})), 1)

    def test_errors_are_part_of_the_contract(self):
        cases = [
            ({"data": None, "errors": [{"message": "no", "path": ["keeper"]}]}, 0),
            ({"errors": [{"message": "no"}]}, 0),
            ({"data": None}, 1),
            ({}, 1),
            ({"errors": []}, 1),
            ({"errors": [{"path": []}]}, 1),
            ({"errors": [{"message": "no", "path": "keeper"}]}, 1),
            ("text", 1),
        ]
        for response, count in cases:
            self.assertEqual(
                len(self.problems(KEEPER, {"id": "1"}, response=response)), count, response
            )


class CommandLine(unittest.TestCase):
    """What is printed for whole files."""

    def run_main(self, exchanges):
        with tempfile.TemporaryDirectory() as directory:
            schema = Path(directory, "schema.json")
            introspection = graphql.introspection_from_schema(graphql.build_schema(SDL))
            schema.write_text(json.dumps({"data": introspection}))
            record = Path(directory, "record.jsonl")
            record.write_text("\n".join(exchanges))
            output, errors = io.StringIO(), io.StringIO()
            with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
                code = validate.main([str(schema), str(record)])
            return code, output.getvalue().splitlines(), errors.getvalue()

    def test_equal_problems_are_one_line(self):
        wrong = [
            json.dumps({"query": KEEPER, "variables": {"id": key}, "response": {"data": {"keeper": {"id": key}}}})
            for key in ("1", "2")
        ]
        code, lines, _ = self.run_main([*wrong, json.dumps({"query": "{ one { id } }"})])
        self.assertEqual(code, 1)
        self.assertEqual(len(lines), 2)
        self.assertIn("K: keeper.mood: selected, but missing (2 times, first at ", lines[0])
        self.assertEqual(lines[1], "2 documents, 3 exchanges, 1 problems")

    def test_no_problems_exit_0(self):
        code, lines, _ = self.run_main([json.dumps({"query": "{ one { id } }"})])
        self.assertEqual((code, lines), (0, ["1 documents, 1 exchanges, 0 problems"]))

    def test_a_record_of_nothing_exits_2(self):
        code, lines, errors = self.run_main([])
        self.assertEqual((code, lines), (2, []))
        self.assertIn("nothing was checked", errors)

    def test_an_unreadable_record_exits_2(self):
        code, lines, errors = self.run_main(["{not json"])
        self.assertEqual((code, lines), (2, []))
        self.assertIn("cannot read the input", errors)

    def test_a_missing_file_exits_2(self):
        with contextlib.redirect_stderr(io.StringIO()):
            self.assertEqual(validate.main(["/nonexistent/schema", "/nonexistent/record"]), 2)


if __name__ == "__main__":
    unittest.main()
