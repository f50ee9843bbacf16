"""Asks OpenFeature's flagd provider who gets the flag of a file: evaluate_by_provider.py FILE COUNT."""

import json
import sys

from openfeature import api
from openfeature.contrib.provider.flagd import FlagdProvider
from openfeature.contrib.provider.flagd.config import ResolverType
from openfeature.evaluation_context import EvaluationContext

api.set_provider_and_wait(FlagdProvider(resolver_type=ResolverType.FILE, offline_flag_source_path=sys.argv[1]))
client = api.get_client()
names = [f"user-{number}" for number in range(1, int(sys.argv[2]) + 1)]
inside = [name for name in names if client.get_boolean_value("new-checkout", False, EvaluationContext(name))]
print(json.dumps({"in": inside, "without key": client.get_boolean_value("new-checkout", False)}))
sys.stdout.flush()
api.shutdown()
