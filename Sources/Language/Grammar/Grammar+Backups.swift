extension Grammar {
  static let backup = ObjectShape(
    "a backup", onlyWith: ["timezone": "schedule"],
    [
      Key(
        "before",
        .word([Word("migrations", "Before pending migrations."), Word("deploy", "Before every deploy.")]),
        "When.", standard: "migrations"),
      Key(
        "to", .text(.backupPlace),
        "Where the files go: a directory of the project, or a bucket of S3 or of a store that speaks its protocol, as `s3://BUCKET/PREFIX?region=REGION`. `&endpoint=https://HOST` names another store, `&style=path` or `host` where the bucket stands in addresses, `&role=ARN` the role that a job of GitHub Actions takes on. Or `railway:SERVICE`: Railway copies the volume of that service and keeps the copies, which only it can put back.",
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
          Word(
            "restore",
            "Into a scratch database on the same server, with every table's rows counted; of Redis by a scratch server here."
          ),
          Word("read", "By reading all of it."),
          Word("stored", "By reading back what is stored: all that can be done without a key."),
        ]), "How it is proven good; `stored` where copies are encrypted and there is no `identity`.",
        standard: "restore"),
      Key(
        "encrypt", .object(encryption), "For whom copies are encrypted before they are written anywhere.",
        example: "{age: [age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p]}"),
      Key(
        "schedule", .text(.schedule),
        "When one is due, for `shipit backup ENV --due`, which makes it if there is none since. Weekday and day of the month together: either is enough.",
        example: "0 3 * * *"),
      Key(
        "timezone", .text(.timezone),
        "Whose clock `schedule` means. A time that the clocks leap over is the moment of the leap; one that they show twice counts the first time.",
        standard: "UTC", example: "Europe/Oslo", elsewhere: ["tz", "zone", "time-zone"]),
    ])

  private static let encryption = ObjectShape(
    "an encryption",
    [
      Key(
        "age", .list(.text(.recipient), atLeast: 1), "Who can read them: public keys of age, or of SSH.",
        required: true, example: "[age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p]"),
      Key(
        "identity",
        .object(
          ObjectShape(
            "the key of backups", exactlyOne: ["secret", "file"],
            [
              Key("secret", .text(.secret), "The secret that holds it.", example: "BACKUP_AGE_KEY"),
              Key(
                "file", .text(.line), "Its file: from the project's root, absolute, or below `~/`.",
                example: "~/.config/age/backups.txt"),
            ])),
        "The private key by which shipit reads copies, to prove, try out and restore them. Without it they are made, and read elsewhere: `--identity FILE` of `backup drill` and `restore`.",
        example: "{secret: BACKUP_AGE_KEY}"),
    ])
}
