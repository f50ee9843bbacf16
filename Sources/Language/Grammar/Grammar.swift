/// The declaration of the language: every key of an environment file.
package enum Grammar {
  /// The whole file.
  package static let environment = ObjectShape(
    "an environment",
    [
      Key("shipit", .int(1...1), "The version of this language.", required: true, example: "1"),
      Key(
        "environment", .text(.environmentName),
        "The environment's name; the same as the file's. A file without it is a base for others.",
        required: true, example: "prod"),
      Key(
        "extends", .text(.base),
        "A base file, relative to this one. Mappings merge key by key, lists and single values replace, `null` removes.",
        example: "base.yaml"),
      Key(
        "app", .text(.app), "The application's name; a part of the mark left on everything shipit makes.",
        required: true, example: "athlete-ally", elsewhere: ["name", "application"]),
      Key(
        "state", state, "Where releases and the lock are kept. `init` writes it.", required: true,
        example: "local", elsewhere: ["backend", "ledger"]),
      Key(
        "platforms", .object(platforms), "Accounts and targets; services inherit from here.",
        example: platformsExample),
      Key(
        "provision",
        .word([
          Word("adopt", "Missing projects, environments and services end a plan with exit code 2."),
          Word(
            "create",
            "They are made, with databases, volumes, domains and TCP proxies; what no API can do is a numbered line, and exit code 9 until it is done."
          ),
          Word(
            "never",
            "Nothing may be missing, databases, volumes and domains included: exit code 2 before anything is done."
          ),
        ]), "May missing things be made? Nothing is ever deleted by a deploy.", standard: "adopt"),
      Key(
        "protect", .object(protect), "Rules every deploy must satisfy.",
        example: "{branch: main, deadline: 25m}"),
      Key("secrets", .object(secrets), "Where secret values come from.", example: "{sources: [environment]}"),
      Key(
        "services", .map(.name, .object(service)), "The deployable units, by a name of your choice.",
        elsewhere: ["apps", "components"]),
      Key(
        "databases", .map(.name, .object(database)),
        "Databases with their migrations and backups, by a name of your choice."),
      Key(
        "run", .list(.object(commandStep)), "Anything else in the same graph: commands run here.",
        elsewhere: ["steps", "jobs", "commands", "hooks", "tasks"]),
      Key(
        "checks", .list(.object(check)),
        "What must hold once everything is live; any failure rolls back.",
        elsewhere: ["tests", "smoke", "verify"]),
      Key(
        "rollouts", .map(.flag, .object(rollout)),
        "Progressive rollouts of feature flags, by the flag's key.", elsewhere: ["flags", "canary"]),
      Key(
        "marks", .list(.object(mark)),
        "Where the steps of rollouts are marked. A mark that cannot be left stops nothing.",
        example: "[{grafana: {url: https://grafana.example.com, token: {secret: GRAFANA_TOKEN}}}]",
        elsewhere: ["annotations", "markers"]),
      Key(
        "notify", .list(.object(notification)), "Who is told what. A message that fails never fails a run.",
        example: "[{slack: {secret: SLACK_WEBHOOK}, on: [released, rolled-back, failed]}]",
        elsewhere: ["notifications", "alerts"]),
      Key(
        "preview", .object(preview),
        "What previews of this environment have of their own; `shipit preview` makes them.",
        example: "{variables: {api: {STRIPE_KEY: {secret: STRIPE_TEST_KEY}}}}", elsewhere: ["previews"]),
    ])

  static let state = Shape.either([
    .word([
      Word("local", "SQLite in `.shipit/` on this machine, for one person."),
      Word(
        "git", "Commits under `refs/shipit/` of the project's remote `origin`, for everybody who may push."),
    ]),
    .object(
      ObjectShape(
        "a ledger", exactlyOne: ["postgres"],
        [
          Key(
            "postgres",
            .object(
              ObjectShape(
                "a Postgres ledger",
                [
                  Key(
                    "url", .secret, "The secret with the connection's address.", required: true,
                    example: "{secret: LEDGER_URL}")
                ])),
            "Rows in a Postgres database, for everybody who can reach it.",
            example: "{url: {secret: LEDGER_URL}}")
        ])),
  ])

  private static let platformsExample =
    "{railway: {project: athlete-ally, token: {secret: RAILWAY_API_TOKEN}}}"

  static let platforms = ObjectShape(
    "the platforms",
    [
      Key("railway", .object(railway), "Railway: where its services live."),
      Key("vercel", .object(vercel), "Vercel: the team and its token."),
      Key("encore", .object(encore), "Encore Cloud: the application and its client."),
    ])

  static let railway = ObjectShape(
    "a Railway target",
    [
      Key(
        "workspace", .text(.line), "The workspace's name or id; needed when a token sees several.",
        example: "acme", elsewhere: ["team"]),
      Key("project", .text(.line), "The project's name or id.", required: true, example: "athlete-ally"),
      Key(
        "environment", .text(.line), "The environment's name or id on Railway.", standard: "production",
        example: "staging"),
      Key(
        "token", .secret, "The secret that holds an account, workspace or project token.", required: true,
        example: "{secret: RAILWAY_API_TOKEN}"),
    ])

  static let vercel = ObjectShape(
    "a Vercel target",
    [
      Key(
        "team", .text(.line), "The team's slug or id; without it the account's own projects.",
        example: "acme", elsewhere: ["org", "workspace", "scope"]),
      Key(
        "token", .secret, "The secret that holds the token.", required: true,
        example: "{secret: VERCEL_TOKEN}"),
    ])

  static let encore = ObjectShape(
    "an Encore target",
    [
      Key("app", .text(.line), "The application's id.", required: true, example: "athlete-ally-x1"),
      Key("environment", .text(.line), "The environment's name on Encore.", required: true, example: "prod"),
      Key(
        "client",
        .object(
          ObjectShape(
            "an OAuth client",
            [
              Key(
                "id", .secret, "The secret that holds the client's id.", required: true,
                example: "{secret: ENCORE_CLIENT_ID}"),
              Key(
                "secret", .secret, "The secret that holds the client's secret.", required: true,
                example: "{secret: ENCORE_CLIENT_SECRET}"),
            ])), "The OAuth client to act as.", required: true),
      Key(
        "key", .secret, "The secret that holds an auth key; needed where variables are written.",
        example: "{secret: ENCORE_AUTH_KEY}", elsewhere: ["auth-key"]),
      Key(
        "approval", .duration(atLeast: .seconds(60)),
        "How long proposed infrastructure may wait for a person who approves it.", standard: "30m",
        example: "2h"),
    ])

  static let freeze = ObjectShape(
    "a freeze",
    [
      Key(
        "from", .text(.moment),
        "When it begins: a weekday with a time, each week, or a date, once. A date without a time is its beginning.",
        required: true,
        example: "fri 16:00"),
      Key(
        "to", .text(.moment), "When it ends. The whole day of a date without a time still belongs to it.",
        required: true, example: "mon 06:00"),
      Key(
        "timezone", .text(.timezone),
        "Whose clock is meant, by its name in the system's time zone data. A time that the clocks leap over is the moment of the leap; one that they show twice counts so that the freeze is longer.",
        standard: "UTC", example: "Europe/Oslo", elsewhere: ["tz", "zone", "time-zone"]),
      Key("reason", .text(.line), "What a refused deploy is told.", example: "weekend"),
    ])

  static let protect = ObjectShape(
    "the protection",
    [
      Key(
        "branch", .text(.branch), "Only commits of this branch are deployed, here or at the remote.",
        example: "main",
        elsewhere: ["branches"]),
      Key(
        "after", .text(.environmentName),
        "The commit must be live and healthy in this environment first: its ledger's last good release holds it for every service, and the platforms say so.",
        example: "staging"),
      Key(
        "migrations",
        .word([
          Word("expand", "A plan with a pending migration that old code may not survive is refused.")
        ]), "Which migrations may be applied; without it all, each with what it means.", example: "expand"),
      Key(
        "approval",
        .object(
          ObjectShape(
            "an approval",
            [
              Key(
                "by", .list(.text(.person), atLeast: 1), "Who may approve.", required: true,
                example: "[ann, bo]"),
              Key("count", .int(1...20), "How many of them must.", standard: "1"),
              Key("own", .bool, "Whether whoever deploys may be one of them.", standard: "true"),
              Key(
                "expires", .duration(atLeast: .seconds(60)), "How long an approval counts.", standard: "24h",
                example: "4h"),
            ])),
        "People who must agree before a deploy, by `shipit approve`. The ledger keeps who did; it is a record, no authentication.",
        elsewhere: ["approvers", "reviewers"]),
      Key(
        "freeze", .list(.object(freeze)), "Times without deploys. A rollback is always possible.",
        elsewhere: ["freezes", "windows"]),
      Key(
        "deadline", .duration(atLeast: .seconds(60)),
        "The limit of a whole run, with the expected time of its rollback kept back. A rollback that takes longer than expected has a limit of its own.",
        standard: "30m",
        example: "25m",
        elsewhere: ["timeout"]),
    ])

  static let secrets = ObjectShape(
    "the secrets' settings",
    [
      Key(
        "sources",
        .list(
          .either([
            .word([Word("environment", "Variables of the environment that shipit is started in.")]),
            .object(secretSource),
          ]), atLeast: 1), "Asked in this order; the first that has the name wins.",
        standard: "[environment]",
        example: "[environment]"),
      requiredSecrets, secretRules, actionsSecrets,
    ])
}
