import HTTPServer
import JSON

/// Slack: its API and its incoming webhooks, with the limits of blocks (contract notifications §2).
extension NotificationTwin {
  func slack(_ method: String, _ call: NotificationCall) -> ServerResponse {
    func refuse(_ error: String) -> ServerResponse { .json(200, ["ok": false, "error": .string(error)]) }
    guard ["chat.postMessage", "chat.update"].contains(method) else { return refuse("unknown_method") }
    let bearer = call.request.header("Authorization")?.split(separator: " ").last.map(String.init) ?? ""
    guard let channels = world.tokens[bearer] else { return refuse("invalid_auth") }
    guard call.request.header("Content-Type")?.hasPrefix("application/json") == true else {
      return refuse("invalid_post_type")
    }
    let asked = call.body["channel"]?.string ?? ""
    if let problem = SlackBlocks.problem(call.body) { return refuse(problem) }
    let text = SlackBlocks.visible(call.body)
    if method == "chat.update" {
      // The id that the post returned, not the name.
      guard channels.values.contains(asked) else { return refuse("channel_not_found") }
      if let wait = world.limit("update \(bearer)", size: 50, perSecond: 50.0 / 60, at: time.now) {
        return NotificationReply.slackRateLimit(Int(wait.rounded(.up)))
      }
      let id = call.body["ts"]?.string ?? ""
      guard world.edit("slack", asked, id, text) else { return refuse("message_not_found") }
      return .json(200, ["ok": true, "channel": .string(asked), "ts": .string(id), "text": .string(text)])
    }
    let name = asked.hasPrefix("#") ? String(asked.dropFirst()) : asked
    guard let channel = channels[name] ?? channels.values.first(where: { $0 == asked }) else {
      return refuse("channel_not_found")
    }
    if let wait = world.limit("post \(channel)", size: 4, perSecond: 1, at: time.now) {
      return NotificationReply.slackRateLimit(Int(wait.rounded(.up)))
    }
    let id = world.post("slack", channel, text, at: time.now)
    return .json(
      200, ["ok": true, "channel": .string(channel), "ts": .string(id), "message": ["text": .string(text)]])
  }

  func hook(_ path: String, _ call: NotificationCall) -> ServerResponse {
    guard world.hooks.contains(path) else { return NotificationReply.text(404, "no_service") }
    guard call.body.object != nil else { return NotificationReply.text(400, "invalid_payload") }
    if let problem = SlackBlocks.problem(call.body) {
      return NotificationReply.text(400, problem == "no_text" ? problem : "invalid_blocks")
    }
    if let wait = world.limit("hook \(path)", size: 4, perSecond: 1, at: time.now) {
      return NotificationReply.slackRateLimit(Int(wait.rounded(.up)))
    }
    _ = world.post("hook", path, SlackBlocks.visible(call.body), at: time.now)
    return NotificationReply.text(200, "ok")
  }
}

/// What Slack takes as a message.
enum SlackBlocks {
  /// The error that a body gets; nil when it is taken.
  static func problem(_ body: JSON) -> String? {
    let text = body["text"]?.string ?? ""
    guard !text.isEmpty || body["blocks"] != nil else { return "no_text" }
    guard text.utf16.count <= 4000 else { return "msg_too_long" }
    guard let blocks = body["blocks"] else { return nil }
    guard let list = blocks.array, list.count <= 50, !list.isEmpty else { return "invalid_blocks" }
    guard list.allSatisfy(isGood) else { return "invalid_blocks" }
    let all = list.map(characters).reduce(0, +)
    return all > 13_200 ? "msg_blocks_too_long" : nil
  }

  private static func isGood(_ block: JSON) -> Bool {
    switch block["type"]?.string {
    case "header": return isText(block["text"], upTo: 150, plain: true)
    case "section":
      if let fields = block["fields"]?.array {
        guard fields.count <= 10, fields.allSatisfy({ isText($0, upTo: 2000) }) else { return false }
      }
      return block["fields"] != nil && block["text"] == nil || isText(block["text"], upTo: 3000)
    case "context":
      guard let elements = block["elements"]?.array else { return false }
      return (1...10).contains(elements.count) && elements.allSatisfy { isText($0, upTo: 3000) }
    case "divider": return true
    case "actions":
      guard let elements = block["elements"]?.array, (1...25).contains(elements.count) else { return false }
      return elements.allSatisfy { element in
        element["type"]?.string == "button" && isText(element["text"], upTo: 75, plain: true)
          && (element["url"]?.string?.utf16.count ?? 0) <= 3000
      }
    default: return false
    }
  }

  private static func isText(_ value: JSON?, upTo limit: Int, plain: Bool = false) -> Bool {
    guard let value, let text = value["text"]?.string, (1...limit).contains(text.utf16.count) else {
      return false
    }
    let type = value["type"]?.string
    return type == "plain_text" || (type == "mrkdwn" && !plain && value["emoji"] == nil)
  }

  private static func texts(_ value: JSON) -> [String] {
    switch value {
    case .object(let members):
      ["text", "fields", "elements"].flatMap { key in
        guard let member = members[key] else { return [String]() }
        return member.string.map { [$0] } ?? texts(member)
      }
    case .array(let elements): elements.flatMap(texts)
    default: []
    }
  }

  private static func characters(_ block: JSON) -> Int { texts(block).map(\.utf16.count).reduce(0, +) }

  /// What a reader sees: the blocks' texts, or without blocks the text.
  static func visible(_ body: JSON) -> String {
    guard let blocks = body["blocks"]?.array else { return body["text"]?.string ?? "" }
    return blocks.flatMap(texts).joined(separator: "\n")
  }
}
