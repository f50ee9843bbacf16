extension Grammar {
  private static let day = Shape.word(
    ["mon", "tue", "wed", "thu", "fri", "sat", "sun"].map { Word($0, "A weekday.") })

  static let rollout = ObjectShape(
    "a rollout", atLeastOne: ["metrics", "gates"], neverWith: ["metrics": "gates"],
    [
      Key("flag", .object(flag), "The feature flag that is raised.", required: true),
      Key(
        "store", .object(store), "Where the metrics are read.",
        example: "{url: https://prometheus.example.com}"),
      Key(
        "steps", .list(.number(0.001...100), atLeast: 1), "Percentages, rising to 100.", required: true,
        example: "[10, 25, 100]"),
      Key(
        "bake", .either([.duration(atLeast: .seconds(1)), .map(.step, .duration(atLeast: .seconds(1)))]),
        "The good time each step must earn; one for all, or one per step.", required: true, example: "4h"),
      Key(
        "approval", .list(.number(0.001...100)), "Steps that a person must release.", standard: "[]",
        example: "[25, 100]"),
      Key("interval", .duration(atLeast: .seconds(1)), "Between two readings of a metric.", standard: "5m"),
      Key(
        "initial-delay", .duration(atLeast: .zero),
        "Before a step's first reading; at least one query window.", standard: "5m"),
      Key("settle", .int(1...1000), "How many last readings of every gate must be good.", standard: "3"),
      Key("min-readings", .int(1...1000), "Usable readings needed per gate and step.", standard: "3"),
      Key(
        "max-credit", .duration(atLeast: .seconds(1)),
        "The most bake time one gap may earn. Default: twice the interval.", example: "10m"),
      Key(
        "max-step", .duration(atLeast: .seconds(1)),
        "When a step that does not end is paused. Default: three times the bake.", example: "12h"),
      Key(
        "on-error", .word([Word("pause", "A person looks."), Word("rollback", "The flag goes off.")]),
        "When the store cannot be reached.", standard: "pause"),
      Key(
        "windows",
        .object(
          ObjectShape(
            "the windows",
            [
              Key(
                "timezone", .text(.timezone), "Whose clock is meant.", standard: "UTC",
                example: "Europe/Berlin"),
              Key(
                "open",
                .list(
                  .object(
                    ObjectShape(
                      "a window",
                      [
                        Key(
                          "days", .list(day, atLeast: 1), "The weekdays.", required: true,
                          example: "[mon, tue]"),
                        Key("from", .text(.clockTime), "Its begin.", required: true, example: "\"09:00\""),
                        Key("to", .text(.clockTime), "Its end.", required: true, example: "\"16:00\""),
                      ])), atLeast: 1), "When a step may be raised.", required: true),
            ])), "Times in which steps are raised; readings and rollbacks always go on."),
      Key("freeze", .list(.object(freeze)), "Times without raising.", standard: "[]"),
      Key("metrics", .list(.object(metric), atLeast: 1), "What decides.", elsewhere: ["analysis"]),
      Key(
        "gates", .word([Word("none", "Time alone raises the share.")]),
        "Written when nothing is to be measured.", example: "none"),
      Key(
        "cure-within", .duration(atLeast: .seconds(10)),
        "Once the flag is off for a bad metric: how long the metrics may stay bad before the code is rolled back too. Without it the code stays.",
        example: "10m"),
    ])

  static let flag = ObjectShape(
    "a flag",
    [
      Key(
        "provider",
        .word([
          Word("launchdarkly", "LaunchDarkly."), Word("flagd", "A file that flagd or OpenFeature reads."),
          Word("variable", "A variable of a service: all or nobody."),
          Word("unleash", "Unleash.", .later), Word("flagsmith", "Flagsmith.", .later),
          Word("posthog", "PostHog.", .later),
        ]), "Who serves it.", required: true, example: "launchdarkly"),
      Key("file", .text(.path), "flagd: the file, in the project.", example: "flags/prod.json"),
      Key("service", .text(.name), "variable: the service that reads it.", example: "api"),
      Key("variable", .text(.variable), "variable: its name.", example: "CHECKOUT_ENABLED"),
      Key("project", .text(.line), "LaunchDarkly: the project.", example: "default"),
      Key("environment", .text(.line), "LaunchDarkly: the environment.", example: "production"),
      Key(
        "url", .text(.url), "The provider's address, when it is your own.",
        example: "https://flags.example.com"),
      Key("token", .secret, "The secret that holds the token.", example: "{secret: LD_TOKEN}"),
      Key(
        "serve", .text(.line),
        "The value of the variation that is rolled out: `true`, a number, or a text as it stands.",
        standard: "true"),
      Key("context", .text(.line), "The kind of context whose key is bucketed.", standard: "user"),
    ])

  static let store = ObjectShape(
    "a metric store",
    [
      Key(
        "provider",
        .word([
          Word("prometheus", "Prometheus, or what speaks its API."),
          Word("grafana", "Through Grafana's data source proxy.", .later),
          Word("datadog", "Datadog.", .later), Word("new-relic", "New Relic.", .later),
          Word("sentry", "Sentry.", .later),
        ]), "What it is.", standard: "prometheus"),
      Key("url", .text(.url), "Its address.", required: true, example: "https://prometheus.example.com"),
      Key("token", .secret, "The secret that holds a bearer token.", example: "{secret: METRICS_TOKEN}"),
      Key("user", .text(.line), "The user of basic authentication.", example: "shipit"),
      Key("password", .secret, "The secret that holds its password.", example: "{secret: METRICS_PASSWORD}"),
    ])

  private static let measure = Key(
    "measure",
    .word([
      Word("success", "Percent that was answered well."), Word("errors", "Percent that was not."),
      Word("p95", "Seconds within which 95 of 100 were answered."),
    ]), "What is measured.", required: true, example: "success")

  private static let probe = ObjectShape(
    "a probe",
    [
      Key("url", .text(.url), "The address.", required: true, example: "https://api.example.com/health"),
      Key(
        "measure",
        .word([
          Word("success", "Percent answered with 200 to 399."),
          Word("p95", "Seconds within which 95 of 100 were answered."),
        ]), "What is measured.", required: true, example: "success"),
      Key("samples", .int(20...1000), "Requests a reading.", standard: "50", example: "100"),
    ])

  private static let railwayMetric = ObjectShape(
    "a metric of Railway",
    [
      Key("service", .text(.name), "The service, by its key in this file.", required: true, example: "api"),
      measure,
      Key("window", .duration(atLeast: .seconds(60)), "Over how long is counted.", standard: "5m"),
    ])

  static let metric = ObjectShape(
    "a metric", exactlyOne: ["template", "query", "run", "probe", "railway"],
    onlyWith: [
      "sample-query": "query", "labels": "template", "window": "template", "max-increase": "versus",
      "min-delta": "versus",
    ],
    neverWith: ["variant": "dilution"],
    [
      Key("name", .text(.title), "What it is called.", required: true, example: "success-rate"),
      Key(
        "template",
        .word([
          Word("http-success", "Percent of requests that did not fail by the server's fault."),
          Word("http-errors", "Percent of requests that did."),
          Word("http-p95", "Seconds within which 95 of 100 requests were answered."),
        ]), "A known metric that fills `query` and `sample-query`.", example: "http-success"),
      Key(
        "labels", .map(.label, .text(.line)), "What the template's series must have.",
        example: "{job: api}"),
      Key(
        "window", .duration(atLeast: .seconds(1)), "Over how long the template counts.", standard: "5m"),
      Key(
        "variant",
        .object(
          ObjectShape(
            "a variant's label",
            [
              Key("label", .text(.label), "The label's name.", required: true, example: "checkout"),
              Key(
                "value", .text(.line), "Its value for those who have the feature.", required: true,
                example: "\"on\""),
              Key(
                "baseline", .text(.line),
                "With `versus`: its value for those who have not. A template takes any other value without it.",
                example: "\"off\""),
            ])),
        "The label that tells those who have the feature from the rest. A written query must hold it; `${variant}` in it is the value. A program gets the value as `SHIPIT_METRIC_VARIANT`.",
        example: "{label: checkout, value: \"on\"}"),
      Key("query", .text(.query), "The question to the store.", example: "'sum(rate(errors_total[5m]))'"),
      Key(
        "sample-query", .text(.query), "How many samples stand behind it.",
        example: "'sum(increase(requests_total[5m]))'"),
      Key(
        "run", .list(.text(.argument), atLeast: 1),
        "A program of the project that prints a number, or `{\"value\": 97.2, \"samples\": 812}`. It keeps no history.",
        example: "[./scripts/orders, --failed]", elsewhere: ["command", "cmd"]),
      Key(
        "probe", .object(probe), "shipit's own requests, so many at each reading. They keep no history.",
        example: "{url: https://api.example.com/health, measure: success}"),
      Key(
        "railway", .object(railwayMetric),
        "What Railway's edge counts for a service, of everybody and of every release. It is not filled in later.",
        example: "{service: api, measure: errors}"),
      Key("pass", .text(.threshold), "Good enough to go on.", example: "\"> 95\""),
      Key("abort", .text(.threshold), "Bad enough to go back at once.", example: "\"< 90\""),
      Key(
        "min-samples", .int(0...1_000_000_000), "Fewer samples say nothing.", standard: "0", example: "500"),
      Key("critical", .bool, "Read also before `initial-delay`.", standard: "false"),
      Key(
        "mode", .word([Word("enforce", "It decides."), Word("observe", "It is only recorded.")]),
        "Whether it decides.", standard: "enforce"),
      Key(
        "interval", .duration(atLeast: .seconds(1)), "Between two readings; by default the rollout's.",
        example: "1m"),
      Key("timeout", .duration(atLeast: .milliseconds(100)), "For one question.", standard: "10s"),
      Key("failure-limit", .int(-1...1000), "Breaches tolerated in all; -1 for any number.", standard: "0"),
      Key("consecutive-failure-limit", .int(0...1000), "Breaches tolerated in a row.", example: "1"),
      Key("consecutive-error-limit", .int(0...1000), "Failed readings tolerated in a row.", standard: "4"),
      Key(
        "consecutive-success-limit", .int(1...1000), "Good readings in a row that end it well.", example: "3"),
      Key(
        "inconclusive-limit", .int(0...1000), "Readings between pass and abort that are tolerated.",
        example: "5"),
      Key("nodata-limit", .int(0...1000), "Readings without data tolerated in a row.", example: "12"),
      Key("count", .int(1...100_000), "Readings after which it is decided.", example: "10"),
      Key(
        "alpha", .number(0.000001...0.5),
        "The chance of a false alarm of a test over the whole step. Alone: failures among requests, `pass` being the healthy share and `abort` the bad one, in percent. With `versus`: both arms.",
        example: "0.01"),
      Key(
        "versus", .word([Word("baseline", "Those who do not have the feature.")]),
        "What it is compared with: the same question, of the same moment. It wants `variant`, and `pass`, for at 100 % nobody is left to compare with.",
        example: "baseline"),
      Key(
        "max-increase", .number(0...1_000_000),
        "By how many percent of the baseline it may be worse: without `alpha` at each reading, with it the median of a latency.",
        example: "20"),
      Key(
        "min-delta", .number(0...1_000_000_000),
        "In the metric's unit: a smaller difference from the baseline counts for nothing.", standard: "0",
        example: "0.5"),
      Key(
        "dilution", .word([Word("accepted", "The query cannot tell the variants apart, and that is known.")]),
        "Written when the query sees everybody.", example: "accepted"),
    ])
}
