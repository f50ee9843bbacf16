import Concurrency
import Crypto
import Foundation
import HTTP
import JSON
import Model
import Notifications
import TestSupport
import Testing
import Twin

enum Sample {
  static let old = "9f8e7d6c5b4a39281706f5e4d3c2b1a098765432"
  static let new = "1a2b3c4d5e6f708192a3b4c5d6e7f80912345678"
  static let start = Timestamp(milliseconds: 1_787_306_400_000)
  static let key = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
  static let base = InProcessTransport.bases["notifications"] ?? ""

  /// What the twin and the receivers know of each other.
  static let secrets: [String: Sensitive] = [
    "SLACK_WEBHOOK": Sensitive(base + "/services/T0/B0/hook-Secret"),
    "SLACK_TOKEN": Sensitive("xoxb-bot-Secret"),
    "DISCORD_WEBHOOK": Sensitive(base + "/api/v10/webhooks/123/discord-Secret"),
    "HOOK_URL": Sensitive(base + "/hooks/ops"), "HOOK_KEY": Sensitive(key),
    "SMTP_USER": Sensitive("shipit"), "SMTP_PASSWORD": Sensitive("mail-Secret"),
  ]

  static let seed: JSON = [
    "slack": [
      "tokens": ["xoxb-bot-Secret": ["deploys": "C0123"]], "hooks": ["/services/T0/B0/hook-Secret"],
    ],
    "discord": ["123": "discord-Secret"], "webhooks": ["ops": [.string(key)]],
  ]

  static let slack = NotificationTarget(.slack(urlSecret: "SLACK_WEBHOOK"))
  static let slackApp = NotificationTarget(.slackApp(tokenSecret: "SLACK_TOKEN", channel: "#deploys"))
  static let discord = NotificationTarget(.discord(urlSecret: "DISCORD_WEBHOOK"))
  static let webhook = NotificationTarget(.webhook(urlSecret: "HOOK_URL", keySecrets: ["HOOK_KEY"]))
  static let email = NotificationTarget(
    .email(
      EmailTarget(
        server: "smtp://mail.example.com:587", from: "deploys@example.com", to: ["ops@example.com"],
        userSecret: "SMTP_USER", passwordSecret: "SMTP_PASSWORD")))

  /// One notice of each event, as `Interface` and others make them.
  static func notice(_ event: Notice.Event) -> Notice {
    var notice = Notice(
      event, app: "shop", environment: "prod", run: RunID(12), release: 12, headline: "", commit: new,
      subject: "Take *all* <cards> & coins @everyone", by: "ann@laptop",
      services: [.init(name: "api", from: old, to: new), .init(name: "web", from: nil, to: new)],
      link: "https://github.com/acme/shop/actions/runs/7", at: start)
    switch event {
    case .started:
      notice.headline = "deploying release 12"
      notice.isLast = false
    case .released:
      notice.headline = "release 12 is live"
      notice.next = "shipit status prod"
    case .rolledBack:
      notice.headline = "release 12 failed, and what it moved was put back"
      notice.services = [.init(name: "api", from: old, to: old, note: "put back")]
      notice.problem = "check smoke: it exited with 1: two of forty orders were lost"
      notice.next = "shipit why prod 12"
    case .failed:
      notice.headline = "release 12 failed, and the state is mixed: a person is needed"
      notice.services = [.init(name: "api", from: old, to: nil)]
      notice.problem = "deploy api: the build failed: exit 1"
      notice.next = "shipit why prod 12"
    case .paused:
      notice.headline = "the rollout new-checkout waits at 25 %"
      notice.run = nil
      notice.next = "shipit rollout resume prod new-checkout"
    case .approval:
      notice.headline = "release 12 wants 1 approval"
      notice.next = "shipit approve prod 12"
    case .held:
      notice = Notice(
        .held, app: "shop", environment: "prod", headline: "deploys are on hold", by: "bo@laptop",
        reason: "we count the stock", next: "shipit unhold prod, when the reason is gone", at: start)
    }
    return notice
  }
}

/// Receivers and the twin under one clock.
struct Receivers: Sendable {
  let twin: NotificationTwin
  let clock: VirtualClock
  let spawn: Spawner

  init(_ clock: VirtualClock, _ spawn: Spawner) async throws {
    twin = try await NotificationTwin(EmulationSetup(seed: Sample.seed, clock: clock))
    self.clock = clock
    self.spawn = spawn
  }

  func notifier(
    _ targets: [NotificationTarget], redact: @escaping @Sendable (String) -> String = { $0 },
    sent: SentMessages? = nil
  ) -> Notifier {
    Notifier(declared(targets), clock: clock, spawn: spawn, redact: redact, sent: sent)
  }

  func declared(
    _ targets: [NotificationTarget], secrets: [String: Sensitive] = Sample.secrets
  ) -> [DeclaredReceiver] {
    DeclaredReceiver.all(
      targets, secrets: secrets,
      parts: NoticeParts(
        http: InProcessTransport([twin]), mail: NoMail(), clock: clock, slackURL: Sample.base))
  }
}

/// Compares with a file in `Golden`. `SHIPIT_UPDATE_GOLDEN=1` writes the files anew.
func expectGolden(_ name: String, _ found: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
  let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("Golden").appendingPathComponent(name)
  if ProcessInfo.processInfo.environment["SHIPIT_UPDATE_GOLDEN"] == "1" {
    try found.write(to: file, atomically: true, encoding: .utf8)
    return
  }
  let wanted = try? String(contentsOf: file, encoding: .utf8)
  guard wanted != found else { return }
  Issue.record(
    "\(name) differs; SHIPIT_UPDATE_GOLDEN=1 make test writes it anew.\n--- wanted\n\(wanted ?? "(no file)")\n--- found\n\(found)",
    sourceLocation: sourceLocation)
}
