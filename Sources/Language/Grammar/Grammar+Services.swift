extension Grammar {
  private static let always: Set<ReferenceKind> = [.commit, .release, .environment]
  static let withServices: Set<ReferenceKind> = [
    .commit, .release, .environment, .serviceURL, .serviceHost,
  ]

  static let service = ObjectShape(
    "a service",
    [
      Key(
        "platform",
        .word([
          Word("railway", "Railway."), Word("vercel", "Vercel."),
          Word("encore", "Encore Cloud: the application as a whole."),
        ]), "Where it runs; the platform is declared under `platforms`.", required: true, example: "railway",
        elsewhere: ["provider", "host"]),
      Key(
        "name", .text(.serviceName), "Its name on the platform; by default its key here.",
        example: "planning-engine"),
      Key(
        "source", .object(source), "What is deployed.", required: true, example: "{directory: ./backend}",
        elsewhere: ["build", "code"]),
      Key("needs", needs, needsDoc, standard: "[]", example: "[api]", elsewhere: needsElsewhere),
      Key(
        "variables", .map(.variable, .either([.template(Set(ReferenceKind.allCases)), .secret])),
        "Its configuration. Variables on the platform that are not named here are kept.",
        example: "{LOG_LEVEL: info, JWT_SECRET: {secret: JWT_SECRET}}",
        elsewhere: ["env", "environment", "envs", "environment-variables", "vars"]),
      Key(
        "settings", .object(settings), "How it is built and run. What is not named is left as it is.",
        example: "{replicas: 2, drain: 60s}", elsewhere: ["options", "deploy"]),
      Key(
        "domains", .list(.text(.domain)), "Its own domains; missing ones are added, none is taken away.",
        example: "[api.example.com]",
        elsewhere: ["domain", "hosts"]),
      Key(
        "volume", .either([.text(.mountPath), .object(volume)]),
        "Where its volume is mounted, and which copies of it Railway makes. It is made when it is missing and `provision` is `create`, and never removed. With it each deploy has a downtime.",
        example: "/data", platforms: ["railway"], elsewhere: ["volumes", "mount", "disk"]),
      Key(
        "tcp-proxy", .int(1...65535),
        "The port that the whole internet reaches by TCP, on a port that Railway chooses. It is made when it is missing and `provision` is `create`, and never removed.",
        example: "6379", platforms: ["railway"], elsewhere: ["tcp", "proxy"]),
      Key(
        "private-name", .text(.hostLabel),
        "Its name in the environment's private network: `NAME.railway.internal`. Railway's own is the service's. It is given when it is another one and `provision` is `create`.",
        example: "api", platforms: ["railway"], elsewhere: ["private-domain", "internal-name"]),
      Key(
        "health", .object(health), "How it proves that it answers, and with which revision.",
        example: "{path: /health, identity: {json: version}}",
        elsewhere: ["healthcheck", "health-check", "readiness", "probe"]),
    ])

  static let volume = ObjectShape(
    "a volume",
    [
      Key(
        "mount", .text(.mountPath), "Where it is mounted.", required: true, example: "/data",
        elsewhere: ["path", "mount-path"]),
      Key(
        "backups",
        .list(
          .word([
            Word("daily", "Each day, kept for 6 days."), Word("weekly", "Each week, kept for a month."),
            Word("monthly", "Each month, kept for three months."),
          ])),
        "The schedules on which Railway copies it; `[]` for none. What is not named is left as it is.",
        example: "[daily, weekly]", elsewhere: ["backup", "schedules", "backup-schedules"]),
    ])

  static let needsDoc =
    "What must be proven live before this goes live: services, `run:` steps, `DB.migrations`, `DB.scripts`."
  static let needsElsewhere = ["depends-on", "dependencies", "after", "requires"]
  static let needs = Shape.list(
    .either([
      .text(.need),
      .map(.need, .word([Word("build", "It must be live before this one is even built.")])),
    ]))

  static let source = ObjectShape(
    "a source", exactlyOne: ["directory", "image", "repository", "prebuilt", "encore"],
    onlyWith: ["root": "directory", "include": "directory", "build": "directory"],
    [
      Key(
        "directory", .text(.path), "Tracked files of the commit under this path; `.` for all.",
        example: "./backend", elsewhere: ["dir", "path", "folder", "context"]),
      Key("image", .template(always), "A container image.", example: "\"ghcr.io/acme/api:${commit}\""),
      Key(
        "repository", .text(.repository), "A repository the platform builds itself.", example: "acme/api",
        elsewhere: ["repo", "git", "github"]),
      Key(
        "prebuilt", .text(.path), "The directory that holds `.vercel/output`, built before.",
        example: "./frontend", platforms: ["vercel"]),
      Key(
        "encore",
        .object(
          ObjectShape(
            "an Encore application",
            [
              Key(
                "directory", .text(.path), "Where its `encore.app` is.", required: true,
                example: "./backend"),
              Key(
                "image", .template(always), "The image to build and push, with an immutable tag.",
                required: true, example: "\"ghcr.io/acme/api:${commit}\""),
              Key(
                "config", .text(.path), "The infrastructure configuration.",
                example: "./infra.config.json"),
            ])),
        "An Encore application, built here into an image and run on Railway.",
        example: "{directory: ./backend, image: \"ghcr.io/acme/api:${commit}\"}", platforms: ["railway"]),
      Key(
        "build",
        .word([
          Word("platform", "The platform builds what is uploaded."),
          Word("cli", "Vercel's own command line tool builds here; its output is uploaded."),
        ]), "Who builds the directory.", standard: "platform", platforms: ["vercel"]),
      Key(
        "root", .text(.path), "The directory within the packed one where the platform builds.",
        example: "frontend"),
      Key(
        "include", .list(.text(.glob)), "Files to pack although git does not track them.", standard: "[]",
        example: "[dist/**]", elsewhere: ["includes", "files"]),
    ])

  static let settings = ObjectShape(
    "the settings",
    [
      Key(
        "build", .text(.command), "The build command.", example: "npm run build",
        platforms: ["railway", "vercel"], elsewhere: ["build-command"]),
      Key(
        "start", .text(.command), "The start command.", example: "./run", platforms: ["railway"],
        elsewhere: ["start-command", "command", "cmd", "entrypoint"]),
      Key(
        "pre-deploy", .list(.text(.command), atLeast: 1),
        "Commands run between build and start, in the new image.", example: "[./prepare]",
        platforms: ["railway"], elsewhere: ["pre-deploy-command", "release-command"]),
      Key(
        "dockerfile", .text(.path), "The Dockerfile's path.", example: "deploy/Dockerfile",
        platforms: ["railway"], elsewhere: ["dockerfile-path"]),
      Key(
        "builder",
        .word([
          Word("railpack", "Railpack."), Word("nixpacks", "Nixpacks, deprecated by Railway."),
          Word("heroku", "Heroku's buildpacks."), Word("paketo", "Paketo's buildpacks."),
        ]), "What builds it; a Dockerfile that is found wins.", example: "railpack", platforms: ["railway"]),
      Key(
        "root", .text(.path), "The directory of the repository where the platform builds.",
        example: "backend", platforms: ["railway", "vercel"], elsewhere: ["root-directory"]),
      Key(
        "replicas", .int(1...50), "How many instances.", example: "2", platforms: ["railway"],
        elsewhere: ["instances", "scale", "num-replicas"]),
      Key(
        "region", .text(.line), "Where they run.", example: "europe-west4-drams3a",
        platforms: ["railway", "vercel"], elsewhere: ["regions"]),
      Key(
        "memory", .size, "The most memory of an instance.", example: "1GB", platforms: ["railway"],
        elsewhere: ["ram", "memory-gb"]),
      Key(
        "cpu", .number(0.1...64), "The most virtual processors of an instance.", example: "1",
        platforms: ["railway"], elsewhere: ["cpus", "vcpus"]),
      Key(
        "overlap", .duration(atLeast: .zero), "How long old and new instances run side by side.",
        example: "20s", platforms: ["railway"], elsewhere: ["overlap-seconds"]),
      Key(
        "drain", .duration(atLeast: .zero), "The time from SIGTERM to SIGKILL.", example: "60s",
        platforms: ["railway"], elsewhere: ["draining-seconds", "draining", "grace-period"]),
      Key(
        "restart",
        .word([
          Word("on-failure", "After an exit code other than 0."), Word("always", "After every exit."),
          Word("never", "Not at all."),
        ]), "When an instance is started again.", example: "on-failure", platforms: ["railway"],
        elsewhere: ["restart-policy", "restart-policy-type"]),
      Key(
        "restart-limit", .int(0...100), "How often at most, with `restart: on-failure`.", example: "10",
        platforms: ["railway"], elsewhere: ["restart-policy-max-retries", "max-retries"]),
      Key(
        "cron", .text(.cron), "Run on a schedule: five fields, in UTC, at least five minutes apart.",
        example: "\"0 6 * * 1\"", platforms: ["railway"], elsewhere: ["schedule", "cron-schedule"]),
      Key(
        "sleep", .bool, "Suspend it when nobody asks.", example: "true", platforms: ["railway"],
        elsewhere: ["sleep-application", "serverless"]),
      Key("framework", .text(.line), "The framework preset.", example: "nextjs", platforms: ["vercel"]),
      Key(
        "install", .text(.command), "The install command.", example: "npm ci", platforms: ["vercel"],
        elsewhere: ["install-command"]),
      Key(
        "output", .text(.path), "The directory with the build's result.", example: "dist",
        platforms: ["vercel"], elsewhere: ["output-directory"]),
      Key(
        "node", .text(.line), "The version of Node.", example: "22.x", platforms: ["vercel"],
        elsewhere: ["node-version"]),
    ])

  static let health = ObjectShape(
    "the health",
    [
      Key(
        "path", .text(.urlPath),
        "The platform's own gate where it has one, and what shipit asks at the service's address.",
        example: "/health", elsewhere: ["healthcheck-path", "endpoint"]),
      Key(
        "url", .text(.origin),
        "Overrides the address to ask: scheme, host and port. Default: the platform's own.",
        example: "https://api.example.com"),
      Key(
        "probes", .list(.text(.urlPath)), "Further paths that must answer 2xx.", standard: "[]",
        example: "[/ready]"),
      Key(
        "identity",
        .either([
          .word([
            Word("platform", "The deployment's own status and instances: private services, workers, cron."),
            Word("none", "Nothing proves the revision."),
            Word("vercel", "The address leads to the deployment, by Vercel's aliases."),
            Word("encore", "Encore's own health answer, `/__encore/healthz`, names the commit."),
          ]),
          .object(
            ObjectShape(
              "an identity", exactlyOne: ["json", "header", "text"],
              [
                Key(
                  "json", .text(.jsonPath), "A member of the JSON answer, as a dotted path.",
                  example: "version"),
                Key("header", .text(.header), "A header of the answer.", example: "X-Revision"),
                Key(
                  "text", .text(.pattern),
                  "A regular expression over the answer; its first group is the revision.",
                  example: "'revision: ([0-9a-f]+)'"),
              ])),
        ]),
        "Where the served application says which commit it is. Default: on Vercel and Encore their own word, on Railway `none` with a path, else `platform`.",
        example: "{json: version}"),
      Key(
        "within", .duration(atLeast: .seconds(1)),
        "The time for `steady` good answers after the platform reports it live; also given to the platform's gate.",
        standard: "5m", example: "2m", elsewhere: ["timeout", "healthcheck-timeout"]),
      Key(
        "steady", .int(1...100), "How many good answers in a row, over fresh connections.", standard: "3",
        elsewhere: ["threshold", "successes"]),
      Key(
        "grace", .duration(atLeast: .zero),
        "The time after the platform's live report during which failures count as \"not yet\".",
        standard: "20s", elsewhere: ["start-period", "initial-delay"]),
      Key(
        "soak", .duration(atLeast: .zero), "How long restarts and the probe are watched after the switch.",
        standard: "30s", example: "1m"),
    ])

  static let commandStep = ObjectShape(
    "a `run:` step",
    [
      Key(
        "name", .text(.title), "What it is called, also in `needs`.", required: true, example: "unit tests"),
      Key(
        "run", .list(.text(.argument), atLeast: 1), "The program and its arguments. There is no shell.",
        required: true, example: "[npm, test]", elsewhere: ["command", "cmd", "script"]),
      Key("needs", needs, needsDoc, standard: "[]", example: "[api]", elsewhere: needsElsewhere),
      Key(
        "timeout", .duration(atLeast: .seconds(1)), "When it is stopped.", standard: "10m",
        elsewhere: ["within"]),
      Key(
        "repeatable", .bool, "Whether it may run again when it is not known whether it ended.",
        standard: "false", elsewhere: ["idempotent"]),
    ])
}
