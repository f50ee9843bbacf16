extension Grammar {
  static let preview = ObjectShape(
    "a preview",
    [
      Key(
        "services", .list(.text(.name), atLeast: 1),
        "Which services a preview has; by default all on Railway and Vercel.", example: "[api, web]"),
      Key(
        "variables",
        .map(.name, .map(.variable, .either([.template(Set(ReferenceKind.allCases)), .secret]))),
        "By service: what its variables are in a preview, over its own plain ones. Of its secrets a preview gets those that stand here, and no other.",
        example: "{api: {STRIPE_KEY: {secret: STRIPE_TEST_KEY}, LOG_LEVEL: debug}}",
        elsewhere: ["env", "environment", "vars"]),
    ])
}
