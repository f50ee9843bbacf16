/// One command as the argument table declares it: parsing, help, completions and the manual come from here.
struct CommandSpecification: Sendable {
  struct Positional: Sendable {
    var name: String
    var help: String
    var isOptional = false
    /// What completions offer.
    var completes: Completion = .nothing
  }

  struct Option: Sendable {
    /// Long name without dashes.
    var name: String
    /// Nil for a switch.
    var value: String?
    var help: String
    var isRepeatable = false
    var completes: Completion = .nothing
  }

  enum Completion: Sendable { case nothing, environments, services, files, keys, shells, runs }

  var name: String
  /// One line, lower case, no full stop.
  var summary: String
  var discussion: String = ""
  var positionals: [Positional] = []
  var options: [Option] = []
  var examples: [String] = []
  var run: @Sendable (Invocation) async -> Int32
}

/// Options every command takes.
let commonOptions: [CommandSpecification.Option] = [
  .init(
    name: "root", value: "DIR",
    help: "the project; default: the nearest directory upwards with environments/",
    completes: .files),
  .init(name: "json", help: "print typed, versioned JSON"),
  .init(name: "quiet", help: "print results and errors only"),
  .init(name: "no-color", help: "no colours; NO_COLOR in the environment does the same"),
  .init(name: "help", help: "print this"),
]

private let environmentArgument = CommandSpecification.Positional(
  name: "ENV", help: "an environment: environments/ENV.yaml", completes: .environments)

/// For commands that change nothing.
private let optionalEnvironment = CommandSpecification.Positional(
  name: "ENV", help: "an environment; default: the only one there is", isOptional: true,
  completes: .environments)

/// Every command, in the order help shows them.
let commandTable: [CommandSpecification] = [
  .init(
    name: "validate", summary: "check an environment file and say everything that is wrong with it",
    discussion:
      "Reads environments/ENV.yaml (all of them without ENV). Contacts nobody. What shipit does not act on yet is a note.",
    positionals: [.init(name: "ENV", help: "an environment", isOptional: true, completes: .environments)],
    examples: ["shipit validate", "shipit validate prod", "shipit validate prod --json"],
    run: ValidateCommand.run),
  .init(
    name: "plan", summary: "show what a deploy would do; changes nothing",
    positionals: [environmentArgument],
    options: [
      .init(name: "commit", value: "REV", help: "the revision to deploy; default HEAD"),
      .init(name: "dirty", help: "pack the working tree's tracked files instead of a commit"),
      .init(name: "allow-older", help: "accept a commit older than what is live"),
      .init(name: "detailed-exitcode", help: "exit 3 when there is something to do"),
    ],
    examples: ["shipit plan prod", "shipit plan prod --commit v1.4.2 --detailed-exitcode"],
    run: PlanCommand.run),
  .init(
    name: "deploy", summary: "make the environment as declared, prove it, or put everything back",
    discussion:
      "On a terminal the plan is shown and asked once; elsewhere it proceeds. A second deploy changes nothing.",
    positionals: [environmentArgument],
    options: [
      .init(name: "commit", value: "REV", help: "the revision to deploy; default HEAD"),
      .init(name: "yes", help: "do not ask"),
      .init(name: "dirty", help: "pack the working tree's tracked files instead of a commit"),
      .init(name: "allow-older", help: "accept a commit older than what is live"),
      .init(name: "again", help: "deploy a commit although a release of it was rolled back"),
    ],
    examples: ["shipit deploy prod", "shipit deploy prod --commit 1a2b3c4 --yes"],
    run: DeployCommand.run),
  .init(
    name: "rollback", summary: "restore the previous good release, and prove it",
    discussion:
      "Prints first what it restores and what it cannot. Leaves a hold, so that the cause is not deployed again by accident. Needs no checkout and no environment file where the ledger is (.shipit/ENV.db).",
    positionals: [environmentArgument],
    options: [
      .init(name: "to", value: "N", help: "the release to restore; default: the good one before the present"),
      .init(
        name: "only", value: "SERVICE", help: "restore this service alone", isRepeatable: true,
        completes: .services),
      .init(name: "code-only", help: "the old code with today's variables, after a secret was rotated"),
      .init(
        name: "without-ledger",
        help: "when the ledger is lost: to what the platforms' own history says served before"),
      .init(name: "reason", value: "TEXT", help: "why; stands in the hold and in history"),
      .init(name: "yes", help: "do not ask"),
    ],
    examples: [
      "shipit rollback prod", "shipit rollback prod --to 41 --reason 'checkout broken'",
      "shipit rollback prod --only web", "shipit rollback prod --without-ledger",
    ],
    run: RollbackCommand.run),
  .init(
    name: "promote", summary: "deploy what is live in one environment to another one",
    discussion:
      "Takes the very artefact where the platform can: the image by its digest, a build of the same project; else the commit, and says which. Shows how the two are configured differently, then plans and runs like deploy.",
    positionals: [
      .init(name: "FROM", help: "the environment whose live release goes on", completes: .environments),
      .init(name: "TO", help: "the environment it goes to", completes: .environments),
    ],
    options: [
      .init(name: "yes", help: "do not ask"),
      .init(name: "allow-older", help: "accept a commit older than what is live there"),
      .init(name: "again", help: "deploy a commit although a release of it was rolled back there"),
    ],
    examples: ["shipit promote staging prod", "shipit promote staging prod --yes"],
    run: PromoteCommand.run),
  .init(
    name: "migrate", summary: "what databases lack of the commit's migrations, and to apply it",
    discussion:
      "`status` looks and changes nothing; `up` applies what is pending, as a deploy would before its services. Nothing takes a migration back.",
    positionals: [
      .init(name: "WHAT", help: "status or up", completes: .nothing), environmentArgument,
      .init(name: "DATABASE", help: "one database; default: every one", isOptional: true),
    ],
    options: [
      .init(name: "commit", value: "REV", help: "the revision whose migrations are meant; default HEAD"),
      .init(name: "detailed-exitcode", help: "status: exit 3 when something is pending"),
      .init(name: "yes", help: "up: do not ask"),
    ],
    examples: ["shipit migrate status prod", "shipit migrate up prod", "shipit migrate up prod main --yes"],
    run: MigrateCommand.run),
  .init(
    name: "status", summary: "what is live, how it is proven, and what is in flight",
    positionals: [
      .init(name: "ENV", help: "an environment; default: all", isOptional: true, completes: .environments)
    ],
    options: [.init(name: "offline", help: "answer from the ledger alone")],
    examples: ["shipit status", "shipit status prod --json"],
    run: StatusCommand.run),
  .init(
    name: "history", summary: "the releases of an environment, newest first",
    positionals: [optionalEnvironment],
    options: [.init(name: "limit", value: "N", help: "how many; default 20")],
    examples: ["shipit history prod", "shipit history prod --limit 5 --json"],
    run: HistoryCommand.run),
  .init(
    name: "logs", summary: "log lines of a service's deployment",
    positionals: [environmentArgument, .init(name: "SERVICE", help: "a service", completes: .services)],
    options: [
      .init(name: "build", help: "the build's lines instead of the application's"),
      .init(name: "deployment", value: "ID", help: "this deployment; default: the one that serves"),
      .init(name: "lines", value: "N", help: "how many; default 100, at most 5000"),
      .init(name: "follow", help: "go on printing new lines until interrupted"),
    ],
    examples: ["shipit logs prod api", "shipit logs prod api --build --lines 500"],
    run: LogsCommand.run),
  .init(
    name: "why", summary: "why a run ended as it did, and what to do next",
    positionals: [
      optionalEnvironment,
      .init(name: "RUN", help: "a run's number; default: the last one", isOptional: true, completes: .runs),
    ],
    examples: ["shipit why prod", "shipit why prod 12"],
    run: WhyCommand.run),
  .init(
    name: "hold", summary: "block deploys until lifted, with a reason",
    positionals: [environmentArgument],
    options: [.init(name: "reason", value: "TEXT", help: "why; shown to whoever tries to deploy")],
    examples: ["shipit hold prod --reason 'investigating the outage'"],
    run: HoldCommand.hold),
  .init(
    name: "unhold", summary: "lift the hold",
    positionals: [environmentArgument],
    examples: ["shipit unhold prod"],
    run: HoldCommand.unhold),
  .init(
    name: "doctor", summary: "test tokens, rights, names, tools and clock, one by one",
    positionals: [optionalEnvironment],
    examples: ["shipit doctor prod"],
    run: DoctorCommand.run),
  .init(
    name: "twin", summary: "run the offline twin: the platforms' APIs on loopback, with real processes",
    discussion:
      "Prints the variables that point shipit at it. Ends with Ctrl-C and leaves nothing behind. After -- it runs one command with those variables set, and ends with it.",
    options: [
      .init(
        name: "seed", value: "FILE", help: "projects, services and tokens to begin with", completes: .files),
      .init(
        name: "sources", value: "FILE", help: "maps images and commits to directories", completes: .files),
      .init(name: "port", value: "N", help: "the port; default: any free one"),
      .init(name: "speed", value: "X", help: "how many times faster than real platforms; default 50"),
      .init(
        name: "record", value: "FILE",
        help: "write every exchange as a line of JSON (with dummy secrets only)"),
    ],
    examples: ["shipit twin", "shipit twin --seed demo/seed.json", "shipit twin -- shipit plan demo"],
    run: TwinCommand.run),
  .init(
    name: "explain", summary: "what a key of the environment file means",
    positionals: [
      .init(
        name: "KEY", help: "a dotted key, such as services.health.within", isOptional: true, completes: .keys)
    ],
    examples: ["shipit explain services.health", "shipit explain protect.deadline"],
    run: ExplainCommand.run),
  .init(
    name: "schema", summary: "print the JSON Schema of environment files",
    examples: ["shipit schema > environment.schema.json"],
    run: SchemaCommand.run),
  .init(
    name: "completions", summary: "print completions for a shell",
    positionals: [.init(name: "SHELL", help: "bash, zsh or fish", completes: .shells)],
    examples: ["shipit completions bash > /etc/bash_completion.d/shipit"],
    run: CompletionsCommand.run),
  .init(
    name: "version", summary: "print the version", examples: ["shipit version --json"],
    run: VersionCommand.run),
]
