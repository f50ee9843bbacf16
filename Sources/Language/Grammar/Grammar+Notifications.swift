extension Grammar {
  static let notification = ObjectShape(
    "a notification",
    exactlyOne: ["slack", "slack-app", "discord", "webhook", "email", "teams", "pagerduty"],
    [
      Key(
        "slack", .secret, "The secret with the address of an incoming webhook of Slack.",
        example: "{secret: SLACK_WEBHOOK}"),
      Key(
        "slack-app", .object(slackApplication),
        "An application of Slack, whose message about a run becomes the result.",
        example: "{token: {secret: SLACK_TOKEN}, channel: C0123ABCD}"),
      Key(
        "discord", .secret,
        "The secret with a Discord webhook's address. The message about a run becomes the result.",
        example: "{secret: DISCORD_WEBHOOK}"),
      Key(
        "webhook", .object(signedWebhook),
        "Another program, told by signed requests (Standard Webhooks).",
        example: "{url: {secret: HOOK_URL}, keys: [{secret: HOOK_KEY}]}"),
      Key(
        "email", .object(email), "People, told by mail.",
        example:
          "{server: \"smtp://mail.example.com:587\", from: deploys@example.com, to: [ops@example.com]}",
        elsewhere: ["mail", "smtp"]),
      Key(
        "teams", .secret, "The secret with a Microsoft Teams webhook's address.",
        example: "{secret: TEAMS_WEBHOOK}", .later),
      Key(
        "pagerduty", .secret, "The secret with a PagerDuty routing key.", example: "{secret: PAGERDUTY_KEY}",
        .later),
      Key(
        "on",
        .list(
          .word([
            Word(
              "started",
              "A run begins. Without `on` told only where the message becomes the result: `slack-app`, `discord`."
            ),
            Word("released", "A release is live and proven."),
            Word("rolled-back", "A run undid itself, or somebody rolled back."),
            Word("failed", "A run failed and nothing moved, was interrupted, or left what needs a person."),
            Word("paused", "A rollout waits."), Word("approval", "Somebody is asked to approve."),
            Word("held", "Deploys are blocked until somebody lifts the hold."),
          ]), atLeast: 1), "What is told.",
        standard: "[started, released, rolled-back, failed, paused, approval, held]",
        example: "[released, rolled-back, failed]"),
    ])

  private static let slackApplication = ObjectShape(
    "a Slack application",
    [
      Key(
        "token", .secret, "The secret with its bot token, which has the scope `chat:write`.", required: true,
        example: "{secret: SLACK_TOKEN}"),
      Key(
        "channel", .text(.channel), "The channel's id or name; the application must be a member of it.",
        required: true, example: "C0123ABCD"),
    ])

  private static let signedWebhook = ObjectShape(
    "a signed webhook",
    [
      Key(
        "url", .secret, "The secret with its address.", required: true, example: "{secret: HOOK_URL}"),
      Key(
        "keys", .list(.secret, atLeast: 1),
        "The secrets with the signing keys, each `whsec_` and base64; two while one is rotated.",
        required: true, example: "[{secret: HOOK_KEY}]", elsewhere: ["key", "secret"]),
    ])

  private static let email = ObjectShape(
    "a mail", onlyWith: ["password": "user", "user": "password"],
    [
      Key(
        "server", .text(.mailServer), "The mail server. The connection is encrypted, or nothing is sent.",
        required: true, example: "\"smtp://mail.example.com:587\"", elsewhere: ["host"]),
      Key(
        "from", .text(.mailAddress), "Who writes.", required: true, example: "deploys@example.com"),
      Key(
        "to", .list(.text(.mailAddress), atLeast: 1), "Who is written to.", required: true,
        example: "[ops@example.com]"),
      Key("user", .secret, "The secret with the user's name.", example: "{secret: SMTP_USER}"),
      Key("password", .secret, "The secret with the password.", example: "{secret: SMTP_PASSWORD}"),
    ])
}
