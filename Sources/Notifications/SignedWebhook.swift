import Concurrency
import Crypto
import HTTP
import JSON
import Model

/// Standard Webhooks 1.0.0: a JSON body, signed (contract notifications §5).
struct SignedWebhook: NoticeReceiver {
  let name: String
  let url: Sensitive
  /// Each `whsec_` and base64; two while one is rotated.
  let keys: [Sensitive]
  let http: any HTTPTransport
  let clock: any TimeSource

  var canEdit: Bool { false }
  /// The id is made from the run and its event.
  var isIdempotent: Bool { true }

  func send(
    _ notice: Notice, replacing reference: String?, limit: Duration
  ) async throws(NoticeFailure) -> String? {
    guard let address = HookAddress(url) else {
      throw NoticeFailure(.useless, "its secret is no https address")
    }
    let codes = keys.compactMap { SignedWebhook.bytes(of: $0) }
    guard codes.count == keys.count, !codes.isEmpty else {
      throw NoticeFailure(.useless, "its key is not whsec_ and base64 of 24 to 64 bytes")
    }
    let id = SignedWebhook.id(of: notice)
    let body = SignedWebhook.body(notice)
    let seconds = String(clock.now.milliseconds / 1000)
    let signatures = codes.map { SignedWebhook.signature(id: id, timestamp: seconds, body: body, key: $0) }
    _ = try await HookSender(http: http).send(
      body, to: address.url,
      headers: [
        ("webhook-id", id), ("webhook-timestamp", seconds),
        ("webhook-signature", signatures.joined(separator: " ")),
      ], limit: limit)
    return nil
  }

  func examine() async -> Examination {
    guard keys.allSatisfy({ SignedWebhook.bytes(of: $0) != nil }) else {
      return Examination(
        name, .bad, "a key is not whsec_ and base64 of 24 to 64 bytes",
        hint: "make one: echo whsec_$(openssl rand -base64 32)", because: .configuration)
    }
    return HookAddress.examine(name, url, usual: [], path: "")
  }

  static func bytes(of key: Sensitive) -> [UInt8]? {
    let text = key.reveal()
    guard text.hasPrefix("whsec_"), let bytes = Base64.decode(text.dropFirst(6)),
      (24...64).contains(bytes.count)
    else { return nil }
    return bytes
  }

  /// `v1,` and the code over id, time and body.
  static func signature(id: String, timestamp: String, body: [UInt8], key: [UInt8]) -> String {
    "v1," + Base64.encode(HMACSHA256.code(for: Array("\(id).\(timestamp).".utf8) + body, key: key).bytes)
  }

  /// The same for every try, from this process or the next.
  static func id(of notice: Notice) -> String {
    let what = notice.run.map { "run \($0) \(notice.isLast)" } ?? "at \(notice.at.milliseconds)"
    let text = "shipit\n\(notice.app)\n\(notice.environment)\n\(notice.event.rawValue)\n\(what)"
    return "msg_" + SHA256.digest(of: text).hex.prefix(32)
  }

  /// The contract's words where it has one.
  private static func type(_ event: Notice.Event) -> String {
    switch event {
    case .started: "deploy.started"
    case .released: "deploy.succeeded"
    case .rolledBack: "deploy.rolled_back"
    case .failed: "deploy.failed"
    case .paused: "rollout.paused"
    case .approval: "approval.requested"
    case .held: "environment.held"
    }
  }

  /// Under 20 KB, whatever the texts: with fewer services where they are long.
  private static func body(_ notice: Notice) -> [UInt8] {
    for count in [40, 10] {
      let body = body(notice, services: count)
      if body.count < 19_000 { return body }
    }
    return body(notice, services: 0)
  }

  private static func body(_ notice: Notice, services count: Int) -> [UInt8] {
    func text(_ value: String?, _ limit: Int) -> JSON {
      value.map { .string(NoticeText.line($0, limit)) } ?? .null
    }
    let services = notice.services.prefix(count).map { service -> JSON in
      [
        "name": text(service.name, 60), "from": text(service.from, 64), "to": text(service.to, 64),
        "note": text(service.note, 80),
      ]
    }
    let data: [String: JSON] = [
      "app": text(notice.app, 100), "environment": text(notice.environment, 100),
      "run": notice.run.map { .int(Int64($0.number)) } ?? .null,
      "release": notice.release.map { .int(Int64($0)) } ?? .null, "headline": text(notice.headline, 200),
      "commit": text(notice.commit, 64), "subject": text(notice.subject, 200), "by": text(notice.by, 100),
      "services": .array(services), "moreServices": .int(Int64(max(0, notice.services.count - count))),
      "problem": text(notice.problem, 500), "reason": text(notice.reason, 300),
      "next": text(notice.next, 300),
      "link": text(notice.link, 500), "last": .bool(notice.isLast),
    ]
    let body: JSON = [
      "type": .string(type(notice.event)), "timestamp": .string(notice.at.iso8601), "data": .object(data),
    ]
    return Array(body.serialized().utf8)
  }
}
