extension Grammar {
  static let mark = ObjectShape(
    "a place for marks", exactlyOne: ["grafana", "sentry"],
    [
      Key(
        "grafana",
        .object(
          ObjectShape(
            "a Grafana",
            [
              Key(
                "url", .text(.url), "The server's address.", required: true,
                example: "https://grafana.example.com"),
              Key(
                "token", .secret,
                "The secret with the token of a service account that may write annotations.",
                required: true, example: "{secret: GRAFANA_TOKEN}"),
              Key(
                "dashboard", .text(.line), "The uid of the one dashboard they are for; by default all.",
                example: "shop-overview"),
            ])), "Each step is an annotation.",
        example: "{url: https://grafana.example.com, token: {secret: GRAFANA_TOKEN}}"),
      Key(
        "sentry",
        .object(
          ObjectShape(
            "a Sentry",
            [
              Key(
                "url", .text(.url), "Its address, when it is not https://sentry.io.",
                example: "https://de.sentry.io"),
              Key(
                "organization", .text(.line), "The organization's slug.", required: true, example: "acme",
                elsewhere: ["org"]),
              Key(
                "projects", .list(.text(.line), atLeast: 1), "The projects' slugs.", required: true,
                example: "[shop]", elsewhere: ["project"]),
              Key(
                "token", .secret, "The secret with a token that has `project:releases`.", required: true,
                example: "{secret: SENTRY_TOKEN}"),
              Key(
                "repository", .text(.line), "As Sentry knows it, so that commits are matched.",
                example: "acme/shop"),
            ])), "Each step is a deploy of the release, which is the full commit.",
        example: "{organization: acme, projects: [shop], token: {secret: SENTRY_TOKEN}}"),
    ])
}
