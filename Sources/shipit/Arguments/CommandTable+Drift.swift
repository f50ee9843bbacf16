/// `shipit drift`.
let driftSpecification = CommandSpecification(
  name: "drift", summary: "show what somebody changed by hand; exit 3 when there is any",
  discussion:
    "Holds what stands on the platforms against what the last release wrote and saw there: settings, variables, domains, deploys of pushes, and what serves. Values that may be secret show as fingerprints. What the file says otherwise since is no drift. The next deploy puts back what the file names; --adopt writes what stands there into the file instead, comments and layout kept, never a secret.",
  positionals: [environmentArgument],
  options: [
    .init(name: "adopt", help: "write what was changed by hand into the environment file"),
    .init(name: "yes", help: "do not ask"),
    .init(
      name: "issue",
      help:
        "in GitHub Actions: keep one issue about it, opened with the first change and closed after the last"),
  ],
  examples: ["shipit drift prod", "shipit drift prod --json", "shipit drift prod --adopt"],
  run: DriftCommand.run)
