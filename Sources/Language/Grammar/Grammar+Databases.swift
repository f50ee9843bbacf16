extension Grammar {
  private static let connection = Shape.either([.template([.railwayVariable]), .secret])

  static let database = ObjectShape(
    "a database", atLeastOne: ["url", "create"],
    [
      Key(
        "engine",
        .word([
          Word("postgres", "PostgreSQL."), Word("mysql", "MySQL or MariaDB.", .later),
          Word("redis", "Redis or Valkey: copies, no schema."),
        ]),
        "What it is.", required: true, example: "postgres", elsewhere: ["type", "kind"]),
      Key(
        "create",
        .object(
          ObjectShape(
            "the way to make it", exactlyOne: ["railway"],
            [
              Key(
                "railway",
                .object(
                  ObjectShape(
                    "a Railway database",
                    [
                      Key(
                        "template", .text(.line), "The template's code.", required: true, example: "postgres"),
                      Key(
                        "service", .text(.serviceName), "The service's name on Railway.", required: true,
                        example: "Postgres"),
                    ])), "From a template of Railway.")
            ])), "How it is made when it is missing and `provision` is `create`.",
        example: "{railway: {template: postgres, service: Postgres}}"),
      Key(
        "url", connection,
        "The address *shipit* reaches, direct: never through a transaction pooler. As a text it has no password in it. Of Redis `redis://USER@HOST:6379`, or `rediss://` over TLS. Only a database with `create` and without migrations, scripts and backup needs none.",
        example: "{secret: DATABASE_URL}", elsewhere: ["connection", "dsn"]),
      Key(
        "pooled", connection, "The address of a pooler, for applications.", example: "{secret: POOLED_URL}",
        .later),
      Key(
        "backup", .object(backup), "A copy before anything is changed.",
        example: "{to: ./backups, keep: 7, verify: restore}"),
      Key(
        "migrations",
        .object(
          ObjectShape(
            "the migrations",
            [
              Key(
                "tool",
                .word(
                  [
                    Word(
                      "encore",
                      "Files of an Encore application that is hosted elsewhere, run by shipit with Encore's own table."
                    ),
                    Word("golang-migrate", "golang-migrate's files and table, run by shipit."),
                    Word("sql", "Plain SQL files, run by shipit with a table of its own."),
                    Word("dbmate", "dbmate's files and table, run by shipit."),
                    Word("prisma", "Prisma Migrate's folders and table, run by shipit."),
                    Word("supabase", "Supabase's files and table, run by shipit."),
                    Word("alembic", "Alembic, run here on the commit's files."),
                    Word("django", "Django, run here on the commit's files."),
                    Word("sqitch", "Sqitch, run here on the commit's files."),
                    Word("command", "`program`, run here once for each content of `directory`."),
                  ]
                    + [
                      ("rails", "Rails."),
                      ("drizzle", "Drizzle."), ("knex", "Knex."),
                      ("flyway", "Flyway."),
                      ("atlas", "Atlas."),
                    ].map { Word($0.0, $0.1, .later) }), "Whose files and ledger table they are.",
                required: true,
                example: "encore"),
              Key(
                "directory", .text(.path), "Where the files are, from the project's root.", standard: ".",
                example: "./backend/migrations"),
              Key(
                "where",
                .word([
                  Word("here", "By shipit, on this machine."),
                  Word(
                    "pre-deploy", "By the pre-deploy command of the service that gets the database's address."
                  ),
                  Word("inside-deploy", "By that service's own build or start."),
                ]), "Where it runs.", standard: "here"),
              Key(
                "timeouts",
                .object(
                  ObjectShape(
                    "the limits",
                    [
                      Key(
                        "lock", .duration(atLeast: .milliseconds(1)), "The longest wait for a lock.",
                        standard: "5s"),
                      Key(
                        "statement", .duration(atLeast: .milliseconds(1)), "The longest statement.",
                        standard: "10m"),
                    ])), "Limits inside the database."),
              Key(
                "program", .list(.text(.argument), atLeast: 1),
                "How a tool that is a program is called in `directory`; default: by its name.",
                example: "[poetry, run, alembic]"),
              Key("needs", needs, needsDoc, standard: "[]", elsewhere: needsElsewhere),
            ])), "The schema's changes; services with this database need them by default.",
        elsewhere: ["migrate"]),
      Key(
        "scripts",
        .list(
          .object(
            ObjectShape(
              "a script",
              [
                Key("sql", .text(.path), "The file.", required: true, example: "./db/prod-indexes.sql"),
                Key(
                  "indexes",
                  .word([
                    Word("concurrently", "Each index without a lock, one statement at a time."),
                    Word("locked", "As written."),
                  ]), "How indexes are made.", standard: "locked"),
                Key(
                  "needs", .list(.either([.word([Word("migrations", "After this database's migrations.")])])),
                  "What comes first.", standard: "[]"),
              ]))), "SQL files to run, each once per content.",
        example: "[{sql: ./db/indexes.sql, indexes: concurrently}]"),
    ])
}
