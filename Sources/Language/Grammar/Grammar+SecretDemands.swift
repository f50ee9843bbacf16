/// What is asked of secrets, wherever they come from.
extension Grammar {
  static let requiredSecrets = Key(
    "required",
    .either([
      .list(.text(.secret), atLeast: 1),
      .object(
        ObjectShape(
          "the required names",
          [
            Key(
              "file", .text(.path),
              "An example file that lists the names, as `NAME=` lines. Its values count for nothing.",
              required: true, example: ".env.example"),
            Key(
              "ignore", .list(.text(.variable)), "Names in it that are no secrets.", standard: "[]",
              example: "[PORT, NODE_ENV]"),
          ])),
    ]),
    "Names that must have a value before anything is touched: in a source, or as a plain variable of a service. They are listed, or taken from an example file.",
    example: "{file: .env.example, ignore: [PORT]}")

  static let secretRules = Key(
    "rules", .map(.secret, .object(secretRule)),
    "What values must look like, by the secret's name. `plan` and `deploy` hold them against it before anything is touched; no message tells a value or its length.",
    example: "{JWT_SECRET: {min-length: 32, differs-from: [staging]}}")

  private static let secretRule = ObjectShape(
    "a secret's rules",
    [
      Key(
        "pattern", .text(.secretPattern),
        "A regular expression that must be found in the value; `^` and `$` hold on to its ends.",
        example: "^sk_live_"),
      Key("min-length", .int(1...65536), "The fewest characters.", example: "32"),
      Key("max-length", .int(1...65536), "The most characters.", example: "128"),
      Key(
        "placeholder", .bool,
        "A text such as `changeme`, `xxx` or `your-key-here` is accepted too; without it a secret with rules refuses them.",
        standard: "false"),
      Key(
        "differs-from", .list(.text(.environmentName), atLeast: 1),
        "Environments that must have another value, by what their ledgers recorded of their newest release.",
        example: "[staging]"),
      Key(
        "keep",
        .word([
          Word(
            "platform",
            "On the platforms of the services that use it; `shipit secrets generate` puts it there.")
        ]), "Where a value is kept that no source has.", example: "platform"),
      Key("optional", .bool, "May be missing although `required` lists it.", standard: "false"),
      Key(
        "rotate",
        .object(
          ObjectShape(
            "when a secret is due for rotation",
            [
              Key(
                "every", .duration(atLeast: .seconds(3600)), "The age from which it is due.", required: true,
                example: "90d")
            ])),
        "When the value is due to be replaced: `secrets list` and `plan` tell. Its age counts from the first release that recorded it.",
        example: "{every: 90d}", elsewhere: ["max-age"]),
    ])
}
