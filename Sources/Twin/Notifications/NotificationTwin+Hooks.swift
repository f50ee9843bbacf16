import Concurrency
import Crypto
import HTTPServer
import JSON

/// Discord's webhooks and signed ones (contract notifications §3, §5).
extension NotificationTwin {
  func discord(_ id: String, _ token: String, _ message: String?, _ call: NotificationCall) -> ServerResponse
  {
    guard let known = world.discord[id] else {
      return .json(404, ["message": "Unknown Webhook", "code": 10015])
    }
    guard known == token else { return .json(401, ["message": "Invalid Webhook Token", "code": 50027]) }
    if let problem = DiscordMessage.problem(call.body) {
      return .json(400, ["message": .string(problem), "code": 50035])
    }
    if let wait = world.limit("discord \(id)", size: 5, perSecond: 2.5, at: time.now) {
      return NotificationReply.discordRateLimit(wait)
    }
    let text = DiscordMessage.visible(call.body)
    if let message {
      guard world.edit("discord", id, message, text) else {
        return .json(404, ["message": "Unknown Message", "code": 10008])
      }
      return .json(200, ["id": .string(message), "channel_id": "1"])
    }
    let new = world.post("discord", id, text, at: time.now)
    // Without `wait` nothing is said of the message.
    guard call.request.query.contains(where: { $0 == ("wait", "true") }) else {
      return ServerResponse(status: 204)
    }
    return .json(200, ["id": .string(new), "channel_id": "1", "type": 0])
  }

  func webhook(_ name: String, _ call: NotificationCall) -> ServerResponse {
    guard let keys = world.webhooks[name] else { return NotificationReply.text(404, "no such hook") }
    let request = call.request
    guard let id = request.header("webhook-id"), let timestamp = request.header("webhook-timestamp"),
      let signatures = request.header("webhook-signature"), !id.contains("."), let seconds = Int64(timestamp)
    else { return NotificationReply.text(400, "missing headers") }
    guard abs(seconds - time.now.milliseconds / 1000) <= 300 else {
      return NotificationReply.text(400, "timestamp out of tolerance")
    }
    let signed = Array("\(id).\(timestamp).".utf8) + request.body
    let wanted = Set(keys.map { "v1," + Base64.encode(HMACSHA256.code(for: signed, key: $0).bytes) })
    guard signatures.split(separator: " ").contains(where: { wanted.contains(String($0)) }) else {
      return NotificationReply.text(401, "bad signature")
    }
    guard let type = call.body["type"]?.string, call.body["timestamp"]?.string != nil,
      call.body["data"]?.object != nil,
      type.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" || $0 == "." })
    else { return NotificationReply.text(400, "not an event") }
    guard request.body.count < 20_000 else { return NotificationReply.text(413, "too long") }
    let data = call.body["data"]
    let words = [type, data?["headline"]?.string, data?["problem"]?.string, data?["next"]?.string]
    world.receive(name, id, words.compactMap(\.self).joined(separator: "\n"))
    return ServerResponse(status: 204)
  }
}

/// What Discord takes as a message.
enum DiscordMessage {
  /// Why it is refused; nil when it is taken.
  static func problem(_ body: JSON) -> String? {
    guard body.object != nil else { return "The request body contains invalid JSON." }
    let content = body["content"]?.string ?? ""
    let embeds = body["embeds"]?.array ?? []
    guard !content.isEmpty || !embeds.isEmpty else { return "Cannot send an empty message" }
    guard content.utf16.count <= 2000 else { return "content: Must be 2000 or fewer in length." }
    guard embeds.count <= 10 else { return "embeds: Must be 10 or fewer in length." }
    // Not Discord's demand, but ours: a commit's title must ring for nobody.
    guard body["allowed_mentions"]?["parse"]?.array == [] else { return "allowed_mentions is not empty" }
    var all = 0
    for embed in embeds {
      func size(_ value: JSON?) -> Int { value?.string?.utf16.count ?? 0 }
      guard size(embed["title"]) <= 256, size(embed["description"]) <= 4096,
        size(embed["footer"]?["text"]) <= 2048, size(embed["author"]?["name"]) <= 256
      else { return "embeds: a text is too long" }
      let fields = embed["fields"]?.array ?? []
      guard fields.count <= 25 else { return "embeds: Must be 25 or fewer in length." }
      for field in fields {
        guard (1...256).contains(size(field["name"])), (1...1024).contains(size(field["value"])) else {
          return "embeds: a field is empty or too long"
        }
        all += size(field["name"]) + size(field["value"])
      }
      all += size(embed["title"]) + size(embed["description"]) + size(embed["footer"]?["text"])
    }
    return all <= 6000 ? nil : "Embed size exceeds maximum size of 6000"
  }

  /// What a reader sees.
  static func visible(_ body: JSON) -> String {
    var lines = [body["content"]?.string].compactMap(\.self)
    for embed in body["embeds"]?.array ?? [] {
      lines += [embed["title"]?.string, embed["description"]?.string].compactMap(\.self)
      for field in embed["fields"]?.array ?? [] {
        lines.append("\(field["name"]?.string ?? ""): \(field["value"]?.string ?? "")")
      }
    }
    // A backslash before a sign of Markdown is not shown.
    var text = ""
    var isEscaped = false
    for character in lines.joined(separator: "\n") {
      if character == "\\", !isEscaped {
        isEscaped = true
        continue
      }
      isEscaped = false
      text.append(character)
    }
    return text
  }
}
