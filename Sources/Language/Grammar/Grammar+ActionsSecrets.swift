/// The secrets that jobs of GitHub Actions get.
extension Grammar {
  static let actionsSecrets = Key(
    "github",
    .object(
      ObjectShape(
        "secrets of GitHub Actions",
        [
          Key(
            "repository", .text(.line), "The repository, `owner/name`.", required: true, example: "acme/shop",
            elsewhere: ["repo"]),
          Key(
            "environment", .text(.line), "One of its environments; without it they are the repository's own.",
            example: "production"),
          Key(
            "token", .secret,
            "A token that may write secrets; the one that a job is given never may.", required: true,
            example: "{secret: SECRETS_TOKEN}"),
          Key(
            "write", .list(.text(.secret), atLeast: 1),
            "The secrets that are written there, by `shipit secrets sync`; others are left alone.",
            required: true, example: "[RAILWAY_API_TOKEN]"),
          Key(
            "names", .map(.secret, .text(.secret)),
            "By a secret's name, the name that jobs know it under, where that differs.", standard: "{}",
            example: "{RAILWAY_API_TOKEN: PROD_RAILWAY_TOKEN}"),
        ])),
    "Secrets that jobs of GitHub Actions get, kept as the sources have them.")
}
