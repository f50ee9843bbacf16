extension Grammar {
  static let backup = ObjectShape(
    "a backup",
    [
      Key(
        "before",
        .word([Word("migrations", "Before pending migrations."), Word("deploy", "Before every deploy.")]),
        "When.", standard: "migrations"),
      Key(
        "to", .text(.backupPlace),
        "Where the files go: a directory of the project, or a bucket of S3 or of a store that speaks its protocol, as `s3://BUCKET/PREFIX?region=REGION`. `&endpoint=https://HOST` names another store, `&style=path` or `host` where the bucket stands in addresses, `&role=ARN` the role that a job of GitHub Actions takes on.",
        required: true, example: "./backups"),
      Key(
        "credentials",
        .object(
          ObjectShape(
            "the credentials of a bucket",
            [
              Key("id", .secret, "The access key's id.", required: true, example: "{secret: BACKUP_KEY_ID}"),
              Key("secret", .secret, "Its secret.", required: true, example: "{secret: BACKUP_KEY}"),
            ])),
        "By what a bucket knows shipit; default: as everywhere in AWS, from the environment of shipit.",
        example: "{id: {secret: BACKUP_KEY_ID}, secret: {secret: BACKUP_KEY}}"),
      Key("keep", .int(1...1000), "How many are kept.", standard: "7"),
      Key(
        "verify",
        .word([
          Word("restore", "Into a scratch database on the same server, with every table's rows counted."),
          Word("read", "By reading all of it."),
        ]), "How it is proven good.", standard: "restore"),
    ])
}
