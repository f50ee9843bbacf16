/// `shipit rollout`, with all its words.
let rolloutSpecification = CommandSpecification(
  name: "rollout", summary: "how far progressive rollouts are; raise, pause or end them",
  discussion:
    "status shows steps, earned time, each gate's readings and what is next. tick does one round and ends: it reads what is due, fills in what was missed, and raises, pauses or switches off by the rules; run it on a schedule. watch does rounds until all is over. start begins a rollout for the live release; a deploy does so by itself. approve releases a step, pause and resume keep the share where it is, and the next round obeys. abort switches the flag off at once, whoever is at work. simulate plays what the store kept of a time through the rules, as if the rollout had begun then, and changes nothing. A round ends with 0 when it waited, raised or completed, with 7 when it switched off, with 8 when the code has to go back too, with 9 when a person is needed, with 13 when the metric store cannot be read.",
  positionals: [
    .init(
      name: "ACTION", help: "status, tick, watch, start, approve, pause, resume, abort or simulate",
      completes: .words([
        "status", "tick", "watch", "start", "approve", "pause", "resume", "abort", "simulate",
      ])),
    environmentArgument,
    .init(name: "KEY", help: "the flag's key; default: all, or the only one", isOptional: true),
  ],
  options: [
    .init(name: "wait", help: "tick: go on until it is over, or a person is needed"),
    .init(name: "within", value: "TIME", help: "tick --wait, watch: for how long"),
    .init(name: "step", value: "PERCENT", help: "approve: which step; default: the next that wants it"),
    .init(name: "again", help: "start: begin anew what is over"),
    .init(name: "reason", value: "TEXT", help: "pause, resume, abort: why; the record keeps it"),
    .init(
      name: "override-freeze", value: "REASON",
      help: "tick, watch, start: raise within a freeze; the record says why"),
    .init(name: "offline", help: "status: from the ledger alone"),
    .init(name: "from", value: "MOMENT", help: "simulate: its begin, such as 2026-08-21T08:00:00Z"),
    .init(name: "to", value: "MOMENT", help: "simulate: its end; default: now"),
  ],
  examples: [
    "shipit rollout status prod", "shipit rollout tick prod", "shipit rollout watch prod new-checkout",
    "shipit rollout approve prod new-checkout --step 25",
    "shipit rollout abort prod new-checkout --reason 'customers complain'",
    "shipit rollout simulate prod --from 2026-08-21T08:00:00Z",
  ],
  run: RolloutCommand.run)
