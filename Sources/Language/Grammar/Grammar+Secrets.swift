/// Where secret values come from. What a source is reached by, a token or a key, comes from a source before it.
extension Grammar {
  static let secretSource = ObjectShape(
    "a secret source", exactlyOne: ["dotenv", "command", "sops", "vault", "aws", "doppler"],
    onlyWith: ["dialect": "dotenv"],
    [
      Key(
        "dotenv", .text(.path),
        "A file of `NAME=value` lines that git does not track. One that does not exist holds nothing.",
        example: ".env.prod", elsewhere: ["env-file", "file"]),
      Key(
        "dialect",
        .word([
          Word("strict", "What parsers read differently is refused."),
          Word("python", "As python-dotenv reads it."),
          Word("node", "As Node's `--env-file` reads it."),
          Word("npm", "As the npm package dotenv reads it."),
          Word("compose", "As Docker Compose reads it."),
          Word("shell", "As a shell reads it; nothing is run."),
          Word("ruby", "As the Ruby gem dotenv reads it."), Word("go", "As godotenv reads it."),
        ]), "Whose reading of the `dotenv` file is meant.", standard: "strict"),
      Key(
        "command", .either([.list(.text(.argument), atLeast: 1), .object(secretCommand)]),
        "A program that prints a JSON object of names and values; no shell reads the list. With `name` it prints one value.",
        example: "[pass-cli, export]"),
      Key(
        "sops", .either([.text(.path), .object(sops)]),
        "A YAML or JSON file encrypted with SOPS; the program `sops` reads it, into memory alone.",
        example: "secrets/prod.enc.yaml"),
      Key("vault", .object(vault), "HashiCorp Vault or OpenBao, KV version 2."),
      Key(
        "aws", .object(secretsManager),
        "AWS Secrets Manager. Credentials are those of the environment (`AWS_ACCESS_KEY_ID` …, or `AWS_WEB_IDENTITY_TOKEN_FILE` and `AWS_ROLE_ARN`), or `role`."
      ),
      Key("doppler", .object(doppler), "Doppler; the program `doppler` asks it, and never keeps a copy."),
    ])

  /// For sources that keep other names than those of variables.
  private static func names(example: String? = "{DATABASE_URL: database-url}") -> Key {
    Key(
      "names", .map(.secret, .text(.line)),
      "By a secret's name, the key it stands under, where that differs.", standard: "{}", example: example)
  }

  private static let secretCommand = ObjectShape(
    "a command that prints secrets", onlyWith: ["trim": "name"], neverWith: ["names": "name"],
    [
      Key(
        "run", .list(.text(.argument), atLeast: 1), "The program and its arguments.", required: true,
        example: "[pass, show, prod/API_KEY]", elsewhere: ["command", "args"]),
      Key(
        "name", .text(.secret), "All it prints is the value of this one secret.", example: "API_KEY"),
      names(example: nil),
      Key(
        "trim",
        .word([
          Word("newline", "One line end."), Word("none", "Nothing."),
          Word("all", "White space at both ends."),
        ]), "What is cut from the end of the value.", standard: "newline", example: "newline"),
      Key("timeout", .duration(atLeast: .seconds(1)), "After it the program is stopped.", standard: "30s"),
      Key(
        "pass", .list(.text(.variable)),
        "Variables it is given beside PATH, HOME and the like; their values come from earlier sources.",
        standard: "[]", example: "[OP_SERVICE_ACCOUNT_TOKEN]", elsewhere: ["env"]),
    ])

  private static let sops = ObjectShape(
    "a SOPS source",
    [
      Key(
        "file", .text(.path), "The encrypted file.", required: true, example: "secrets/prod.enc.yaml",
        elsewhere: ["path"]),
      Key(
        "key", .secret,
        "The age key that opens it. Without it `sops` finds one by itself: `SOPS_AGE_KEY_FILE`, `~/.config/sops/age/keys.txt`.",
        example: "{secret: SOPS_AGE_KEY}"),
      Key(
        "names", .map(.secret, .text(.line)),
        "By a secret's name, the key it stands under, where that differs; dots step into mappings.",
        standard: "{}", example: "{DATABASE_URL: database.url}"),
    ])

  private static let vault = ObjectShape(
    "a Vault source", exactlyOne: ["token", "approle", "github"],
    [
      Key(
        "address", .text(.origin), "Vault's or OpenBao's address: https, or http on this machine.",
        required: true, example: "https://vault.example.com"),
      Key(
        "path", .text(.line), "The path of a KV version 2 secret, with its mount.", required: true,
        example: "kv/prod/api"),
      Key(
        "mount", .text(.line), "The mount, where it has more than one part.",
        standard: "the first part of `path`"),
      Key("namespace", .text(.line), "The namespace."),
      Key(
        "token", .secret, "The secret, from an earlier source, that holds the token.",
        example: "{secret: VAULT_TOKEN}"),
      Key(
        "approle",
        .object(
          ObjectShape(
            "an AppRole login",
            [
              Key("role", .secret, "The role's id.", required: true, example: "{secret: VAULT_ROLE_ID}"),
              Key("secret", .secret, "The secret id.", required: true, example: "{secret: VAULT_SECRET_ID}"),
              Key("mount", .text(.line), "Where the method is mounted.", standard: "approle"),
            ])), "Logs in by AppRole; the token is revoked when it has been used."),
      Key(
        "github",
        .object(
          ObjectShape(
            "a login of GitHub Actions",
            [
              Key("role", .text(.line), "The role of Vault.", required: true, example: "deploy"),
              Key("audience", .text(.line), "The audience the role is bound to.", standard: "GitHub's own"),
              Key("mount", .text(.line), "Where the JWT method is mounted.", standard: "jwt"),
            ])),
        "Logs in by the token with which GitHub vouches for the job, which needs `permissions: {id-token: write}`."
      ),
      Key(
        "authorities", .text(.path), "A PEM file of the authorities to trust instead of the system's.",
        elsewhere: ["ca", "cacert"]),
      names(),
    ])

  private static let secretsManager = ObjectShape(
    "an AWS source", neverWith: ["names": "name"],
    [
      Key("region", .text(.line), "The region.", required: true, example: "eu-north-1"),
      Key(
        "id", .text(.line), "The secret's name or ARN; its value is a JSON object, or that of `name`.",
        required: true, example: "prod/api"),
      Key("name", .text(.secret), "The whole text is the value of this one secret."),
      names(),
      Key(
        "stage", .text(.line), "The label of the version: `AWSCURRENT`, `AWSPREVIOUS`, `AWSPENDING`.",
        standard: "AWSCURRENT"),
      Key(
        "role", .text(.line),
        "The ARN of a role which a job of GitHub Actions takes on; it needs `permissions: {id-token: write}`."
      ),
    ])

  private static let doppler = ObjectShape(
    "a Doppler source",
    [
      Key("project", .text(.line), "The project; a service token knows its own.", example: "api"),
      Key("config", .text(.line), "The config.", example: "prd"),
      Key(
        "token", .secret, "The secret, from an earlier source, that holds the token.", required: true,
        example: "{secret: DOPPLER_TOKEN}"),
      names(),
    ])
}
