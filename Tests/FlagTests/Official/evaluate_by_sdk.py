"""Asks LaunchDarkly's own server SDK who gets the flag: evaluate_by_sdk.py URL SDK-KEY stream|poll COUNT."""

import json
import sys

import ldclient
from ldclient.config import Config, HTTPConfig

url, key, mode, count = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
client = ldclient.LDClient(
    Config(
        key, base_uri=url, stream_uri=url, events_uri=url, stream=mode == "stream",
        http=HTTPConfig(connect_timeout=10, read_timeout=60), diagnostic_opt_out=True),
    start_wait=30)
if not client.is_initialized():
    sys.exit("the SDK did not start")
inside, version = [], None
for number in range(1, count + 1):
    context = ldclient.Context.create(f"user-{number}")
    if client.variation("new-checkout", context, False):
        inside.append(context.key)
version = client._data_system.store.get(ldclient.versioned_data_kind.FEATURES, "new-checkout", lambda flag: flag).version \
    if hasattr(client, "_data_system") else client._store.get(
        ldclient.versioned_data_kind.FEATURES, "new-checkout", lambda flag: flag).version
client.flush()
client.close()
print(json.dumps({"in": inside, "version": version}))
