import HTTP
import JSON
import Model

/// A webhook of Discord; its message is changed by id (contract notifications §3).
struct DiscordHook: NoticeReceiver {
  let name: String
  let url: Sensitive
  let http: any HTTPTransport

  var canEdit: Bool { true }
  var isIdempotent: Bool { false }

  func send(
    _ notice: Notice, replacing reference: String?, limit: Duration
  ) async throws(NoticeFailure) -> String? {
    guard let address = HookAddress(url) else {
      throw NoticeFailure(.useless, "its secret is no https address")
    }
    let body = Array(JSON.object(DiscordHook.members(notice)).serialized().utf8)
    let parts = address.url.split(separator: "?", maxSplits: 1).map(String.init)
    // A thread's id stands in the query, on posts and edits.
    let query = parts.count > 1 ? parts[1].split(separator: "&").filter { !$0.hasPrefix("wait=") } : []
    func target(_ path: String, _ fields: [String]) -> String {
      let all = query.map(String.init) + fields
      return parts[0] + path + (all.isEmpty ? "" : "?" + all.joined(separator: "&"))
    }
    let sender = HookSender(http: http)
    if let reference {
      let answer = try await sender.send(
        body, method: "PATCH", to: target("/messages/\(reference)", []), also: [404], limit: limit)
      // A message that somebody deleted answers as a dead webhook does; the post will show which it is.
      guard answer.status == 404 else { return reference }
    }
    // Without `wait` a message that was not saved gives no error, and no id.
    let response = try await sender.send(body, to: target("", ["wait=true"]), limit: limit)
    return (try? JSON(parsing: response.body))?["id"]?.string
  }

  func examine() async -> Examination {
    HookAddress.examine(
      name, url, usual: ["discord.com", "discordapp.com", "canary.discord.com", "ptb.discord.com"],
      path: "/webhooks/")
  }

  /// With all texts at their longest under 6,000 characters, which is the limit of all embeds of a message.
  private static func members(_ notice: Notice) -> [String: JSON] {
    let text = NoticeText(notice)
    var description = [escaped(NoticeText.line(text.change, 900))]
    if let reason = notice.reason { description.append(escaped(NoticeText.line("reason: \(reason)", 700))) }
    if let link = notice.link, link.hasPrefix("https://"), link.utf16.count <= 500 {
      description.append(link)
    }
    var fields: [JSON] = []
    func field(_ name: String, _ value: String) {
      fields.append(["name": .string(name), "value": .string(NoticeText.cut(value, 1024)), "inline": false])
    }
    if !text.services.isEmpty { field("services", escaped(text.services.joined(separator: "\n"))) }
    if let problem = notice.problem { field("failed", escaped(NoticeText.line(problem, 900))) }
    if let next = notice.next { field("next", escaped(NoticeText.line(next, 400))) }
    let embed: JSON = [
      "title": .string(NoticeText.cut(escaped(NoticeText.line(text.title, 250)), 256)),
      "description": .string(NoticeText.cut(description.joined(separator: "\n"), 2400)),
      "color": .int(colour(notice.event)), "fields": .array(fields),
    ]
    // On edits too, for they build the mentions anew.
    return ["embeds": [embed], "allowed_mentions": ["parse": []]]
  }

  private static func colour(_ event: Notice.Event) -> Int64 {
    switch event {
    case .released: 0x2EB67D
    case .failed: 0xE01E5A
    case .rolledBack, .paused, .held: 0xECB22E
    case .started, .approval: 0x36C5F0
    }
  }

  /// Markdown and mentions become the characters they are.
  private static func escaped(_ text: String) -> String {
    var safe = ""
    for character in text {
      if "\\*_~`|>#[]()<@".contains(character) { safe.append("\\") }
      safe.append(character)
    }
    return safe
  }
}
