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

  enum Completion: Sendable {
    case nothing, environments, services, files, keys, shells, runs, runbooks
    case words([String])
  }

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

let environmentArgument = CommandSpecification.Positional(
  name: "ENV", help: "an environment: environments/ENV.yaml", completes: .environments)

/// Ways past a rule of `protect`, for commands that deploy.
private let overrideOptions: [CommandSpecification.Option] = [
  .init(name: "override-freeze", value: "REASON", help: "deploy within a freeze; the release records why"),
  .init(
    name: "override-after", value: "REASON",
    help: "deploy what is not live in the environment that comes first; the release records why"),
]

/// For commands that change nothing.
private let optionalEnvironment = CommandSpecification.Positional(
  name: "ENV", help: "an environment; default: the only one there is", isOptional: true,
  completes: .environments)

/// Every command, in the order help shows them.
let commandTable: [CommandSpecification] = [
  .init(
    name: "init", summary: "write an environment file from what this repository says, or workflows",
    discussion:
      "Reads the files by which the repository is deployed today, and writes environments/ENV.yaml with the place of each fact. What no file decides is asked on a terminal, and listed elsewhere. With a token of Railway or Vercel at hand (RAILWAY_API_TOKEN, RAILWAY_TOKEN, VERCEL_TOKEN) what stands there is read too: names and settings, and of variables the names alone. Then the file is validated and planned. Dangers in existing workflows are told with file and line. With --workflows it writes deploy.yml, rollback.yml, backup.yml, rollout-tick.yml, preview.yml and drift.yml below .github/workflows instead, and the action they use. A file that is there and differs is shown and left alone.",
    positionals: [
      .init(name: "ENV", help: "the environment to write; default: prod", isOptional: true)
    ],
    options: [
      .init(name: "yes", help: "ask nothing: list what is open, and take what is safe"),
      .init(name: "dry-run", help: "print the file instead of writing it"),
      .init(name: "offline", help: "read this repository alone, and ask no platform"),
      .init(name: "workflows", help: "deploy, rollback and the ticks of rollouts for GitHub Actions"),
      .init(name: "force", help: "replace files that differ"),
    ],
    examples: [
      "shipit init", "shipit init staging --yes", "shipit init --dry-run", "shipit init --workflows",
      "shipit init --workflows --force",
    ],
    run: InitCommand.run),
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
      .init(
        name: "out", value: "FILE", help: "save the plan, to be approved and applied as it is",
        completes: .files),
    ],
    examples: [
      "shipit plan prod", "shipit plan prod --commit v1.4.2 --detailed-exitcode",
      "shipit plan prod --out prod.plan",
    ],
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
      .init(
        name: "plan", value: "FILE", help: "apply this saved plan; exit 6 when anything has moved since",
        completes: .files),
    ] + overrideOptions,
    examples: [
      "shipit deploy prod", "shipit deploy prod --commit 1a2b3c4 --yes",
      "shipit deploy prod --plan prod.plan",
      "shipit deploy prod --override-freeze 'the checkout is broken'",
    ],
    run: DeployCommand.run),
  .init(
    name: "approve", summary: "agree to a deploy that needs it, by name, in the ledger",
    discussion:
      "What is approved is one plan: its commit, configuration and secrets; when any of them moves, it is void. Who may stands in protect.approval. It is a record, not a proof of who it was: that is for whoever lets people write to the ledger.",
    positionals: [environmentArgument],
    options: [
      .init(
        name: "digest", value: "HEX",
        help: "the plan that waits, as the deploy printed it; default: the last one"),
      .init(name: "plan", value: "FILE", help: "this saved plan", completes: .files),
      .init(name: "reason", value: "TEXT", help: "why; stands in the release"),
      .init(name: "yes", help: "do not ask"),
    ],
    examples: ["shipit approve prod", "shipit approve prod --plan prod.plan --yes"],
    run: ApproveCommand.run),
  .init(
    name: "rollback", summary: "restore the previous good release, and prove it",
    discussion:
      "Goes back to the newest good release before what is live. After a rollback of some services alone that is the one before the newest that still runs, and services already there stay; after a rollback of all it is one further back; a release that was rolled back is passed over. Prints first which one and why, what it restores and what it cannot. Leaves a hold, so that the cause is not deployed again by accident. Needs no checkout and no environment file where the ledger is (.shipit/ENV.db).",
    positionals: [environmentArgument],
    options: [
      .init(name: "to", value: "N", help: "exactly this release, whatever is live"),
      .init(
        name: "only", value: "SERVICE",
        help: "restore this service alone; only its platform's token is needed", isRepeatable: true,
        completes: .services),
      .init(name: "flags-only", help: "the flags of running rollouts go off; no code is touched"),
      .init(name: "code-only", help: "the old code with today's variables, after a secret was rotated"),
      .init(
        name: "without-ledger",
        help: "when the ledger is lost: to what the platforms' own history says served before"),
      .init(name: "reason", value: "TEXT", help: "why; stands in the hold and in history"),
      .init(name: "yes", help: "do not ask"),
    ],
    examples: [
      "shipit rollback prod", "shipit rollback prod --to 41 --reason 'checkout broken'",
      "shipit rollback prod --only web", "shipit rollback prod --flags-only --reason 'checkout broken'",
      "shipit rollback prod --without-ledger",
    ],
    run: RollbackCommand.run),
  rolloutSpecification,
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
    ] + overrideOptions,
    examples: ["shipit promote staging prod", "shipit promote staging prod --yes"],
    run: PromoteCommand.run),
  previewSpecification,
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
    name: "backup", summary: "copies of databases: made and proven good, listed, tried out",
    discussion:
      "`backup ENV` copies every database that has `backup:` in the file; `list` shows what there is, on this machine or in the bucket; `drill` restores the newest into a scratch database, counts its rows and drops it again.",
    positionals: [
      .init(name: "WHAT", help: "list, drill, or the environment to back up", completes: .environments),
      .init(name: "ENV", help: "of list and drill: the environment; else one database", isOptional: true),
      .init(name: "DATABASE", help: "of list and drill: one database; default: every one", isOptional: true),
    ],
    options: [
      .init(name: "due", help: "those that `schedule` wants; nothing, and exit 0, when that is none"),
      .init(name: "from", value: "ID", help: "drill: this backup; default: the newest"),
      .init(name: "identity", value: "FILE", help: "drill: the key of age that reads encrypted ones"),
    ],
    examples: [
      "shipit backup prod", "shipit backup prod --due", "shipit backup list prod", "shipit backup drill prod",
    ], run: BackupCommand.run),
  .init(
    name: "restore", summary: "put a backup in the place of a database",
    discussion:
      "What is there is backed up first. The backup is restored beside it and counted, then both change names at one moment; what was there stays on the server under another name. Wants the database's name typed. A running Redis takes none: `--into` writes the file that its server reads when it starts.",
    positionals: [environmentArgument, .init(name: "DATABASE", help: "its key in the environment file")],
    options: [
      .init(name: "from", value: "ID", help: "which backup; default: the newest"),
      .init(
        name: "confirm", value: "NAME", help: "the name of the database on its server, instead of typing it"),
      .init(name: "identity", value: "FILE", help: "the key of age that reads encrypted ones"),
      .init(
        name: "into", value: "FILE",
        help: "write it into a file, decrypted, and change no database: for Redis"),
      .init(name: "reason", value: "TEXT", help: "why; the record keeps it"),
    ],
    examples: ["shipit restore prod main", "shipit restore prod main --from prod-main-20260821T080000Z-r12"],
    run: RestoreCommand.run),
  .init(
    name: "secrets", summary: "which secrets there are, how they stand on the platforms, and write them",
    discussion:
      "list asks the sources and the ledger: name, source, kind, keyed fingerprint, who uses it, when it is due. diff compares each source with what the platforms have stored: same, differs, missing, cannot be read back. sync writes what differs, in one write for each service, and reads it back; nothing is deployed by it, and the next deploy takes it up. generate makes a random value and keeps it in the first source that can be written to, or on the platforms where secrets.rules says so, unless there is one. rotate adds a new value and keeps the old one as NAME_PREVIOUS; after a deploy, rotate --retire ends the old one, which the next deploy takes up. No value is ever printed.",
    positionals: [
      .init(
        name: "ACTION", help: "list, diff, sync, generate or rotate",
        completes: .words(["list", "diff", "sync", "generate", "rotate"])),
      environmentArgument,
      .init(name: "NAME", help: "generate, rotate: which secret", isOptional: true),
    ],
    options: [
      .init(name: "detailed-exitcode", help: "diff: exit 3 when something differs or is missing"),
      .init(name: "yes", help: "sync, generate: do not ask"),
      .init(
        name: "kind", value: "KIND", help: "generate, rotate: of which characters; default base64url",
        completes: .words(["hex", "base64url", "alnum", "alnum-noambiguous", "digits"])),
      .init(name: "retire", help: "rotate: end the old value"),
      .init(
        name: "force",
        help:
          "rotate --retire: also where a rollback would need the old value; generate: a new value for what the platforms keep"
      ),
      .init(name: "length", value: "N", help: "generate, rotate: how many characters; default: 256 bits"),
    ],
    examples: [
      "shipit secrets list prod", "shipit secrets diff prod --detailed-exitcode",
      "shipit secrets sync prod --yes",
      "shipit secrets generate prod JWT_SECRET --kind hex --length 64",
      "shipit secrets rotate prod JWT_SECRET",
      "shipit secrets rotate prod JWT_SECRET --retire",
    ],
    run: SecretsCommand.run),
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
    name: "runbook", summary: "what to do at 03:00, page by page",
    positionals: [
      .init(name: "NAME", help: "a page; default: the list of them", isOptional: true, completes: .runbooks)
    ],
    examples: ["shipit runbook", "shipit runbook mixed-state"],
    run: RunbookCommand.run),
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
    name: "cancel", summary: "ask whoever is at work on an environment to stop, from anywhere",
    discussion:
      "The holder finds the request with its next heartbeat and stops as on a first Ctrl-C; its report says who asked and why. Waits until the environment is free and tells what became of the run. A deploy that takes back what it moved is let to. Ends with 0 when the environment is free, with 5 when it is still held.",
    positionals: [environmentArgument],
    options: [
      .init(name: "reason", value: "TEXT", help: "why; shown where the run goes on, and in its journal"),
      .init(
        name: "within", value: "TIME",
        help: "how long to wait; default: until the lease has run out if nobody renews it"),
    ],
    examples: ["shipit cancel prod --reason 'wrong branch'", "shipit cancel prod --within 5m"],
    run: CancelCommand.run),
  .init(
    name: "settle", summary: "find out what an interrupted run left, record the truth and close it",
    discussion:
      "Looks up every step that was begun and has no end, has cancelled what is not live yet, waits for what cannot be stopped, and closes the run: completed when everything it was to do is live and proven, else abandoned. Puts nothing live and takes nothing back. Ends with 0 when one release is live in whole, with 8 when the state is mixed or cannot be found out. Works from any machine.",
    positionals: [environmentArgument],
    options: [.init(name: "within", value: "TIME", help: "how long it may take; default 10m")],
    examples: ["shipit settle prod", "shipit settle prod --within 2m --json"],
    run: SettleCommand.settle),
  .init(
    name: "finish", summary: "at the end of a CI job: settle what this job left, if it left anything",
    discussion:
      "For a step that runs also when the job was cancelled. Frees the lease of a process of this machine that is gone, never one of somebody alive; settles a run that this job began. Ends with 0 when the job left nothing.",
    positionals: [environmentArgument],
    options: [.init(name: "within", value: "TIME", help: "how long it may take; default 60s")],
    examples: ["shipit finish prod", "shipit finish prod --within 60s --json"],
    run: SettleCommand.finish),
  .init(
    name: "unlock", summary: "take the lease from a holder that is dead and cannot be proved so",
    discussion:
      "Watches the holder for one and a half heartbeats and shows who it is. Refuses while it renews its lease. Once freed, whatever the old holder writes is refused; what it began on a platform is for settle.",
    positionals: [environmentArgument],
    options: [
      .init(name: "yes", help: "do not ask"),
      .init(name: "force", help: "also while the holder renews its lease"),
    ],
    examples: ["shipit unlock prod", "shipit unlock prod --yes"],
    run: UnlockCommand.run),
  driftSpecification,
  pruneSpecification,
  .init(
    name: "state", summary: "move the ledger of an environment, history and all, to another place",
    discussion:
      "TO is local, git, or postgres:SECRET with the name of the secret that holds the database's address. Both places are locked meanwhile, what was written is read back and compared, and the old place keeps a note that makes every later command say where the ledger went. Refused while a run is open. Prints the line of the environment file that has to change.",
    positionals: [
      .init(name: "ACTION", help: "move", completes: .words(["move"])),
      .init(name: "ENV", help: "an environment: environments/ENV.yaml", completes: .environments),
      .init(
        name: "TO", help: "local, git or postgres:SECRET", completes: .words(["local", "git", "postgres:"])),
    ],
    options: [.init(name: "write", help: "change that line in the file too")],
    examples: [
      "shipit state move prod git", "shipit state move prod postgres:LEDGER_URL --write",
    ],
    run: StateCommand.run),
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
