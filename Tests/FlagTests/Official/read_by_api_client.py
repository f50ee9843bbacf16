"""Reads the flag with LaunchDarkly's own API client: read_by_api_client.py URL TOKEN."""

import json
import sys

import launchdarkly_api
from launchdarkly_api.api import AuditLogApi, FeatureFlagsApi

configuration = launchdarkly_api.Configuration(host=sys.argv[1])
configuration.api_key["ApiKey"] = sys.argv[2]
with launchdarkly_api.ApiClient(configuration) as client:
    flag = FeatureFlagsApi(client).get_feature_flag("shop", "new-checkout", env="production")
    newest = AuditLogApi(client).get_audit_log_entries(limit=1, spec="proj/shop:env/production:flag/new-checkout")
environment = flag.environments["production"]
rollout = environment.fallthrough.rollout
print(json.dumps({
    "on": environment.on, "version": environment.version, "salt": environment.salt,
    "kind": rollout.context_kind,
    "weights": [{"variation": row.variation, "weight": row.weight} for row in rollout.variations],
    "comment": newest.items[0].comment}))
