import Concurrency
import Crypto
import JSON

/// What the emulated receivers hold: whom they know, and what a reader sees.
package struct NotificationWorld: Sendable {
  /// One message, as it stands now.
  package struct Message: Sendable {
    package var service: String
    /// Channel, hook or name of the webhook.
    package var place: String
    /// Slack's `ts`, Discord's or the webhook's id.
    package var id: String
    /// What a reader sees, line by line.
    package var text: String
    /// How often it was changed.
    package var edits: Int
    /// Requests that brought it, the doubled ones among them.
    package var deliveries: Int
  }

  /// A bucket of tokens: so many at once, so many more a second.
  struct Bucket: Sendable {
    var size: Double
    var perSecond: Double
    var level: Double
    var at: Timestamp

    /// - Returns: nil when one is left, which it takes; else the seconds until then.
    mutating func take(_ now: Timestamp) -> Double? {
      level = min(size, level + (now - at).inSeconds * perSecond)
      at = now
      guard level < 1 else {
        level -= 1
        return nil
      }
      return (1 - level) / perSecond
    }
  }

  /// Slack's bot tokens, with the channels each may write to: id by name.
  var tokens: [String: [String: String]] = [:]
  /// Paths of Slack's incoming webhooks, such as `/services/T0/B0/abc`.
  var hooks: Set<String> = []
  /// Discord's webhooks: token by id.
  var discord: [String: String] = [:]
  /// Signed webhooks: keys by name.
  var webhooks: [String: [[UInt8]]] = [:]
  package var messages: [Message] = []
  private var buckets: [String: Bucket] = [:]
  private var count = 0

  /// Reads the section `notifications` of a seed.
  /// - Throws: `Refusal` naming a key that cannot be read.
  init(_ seed: JSON) throws(Refusal) {
    for (token, channels) in seed["slack"]?["tokens"]?.object ?? [:] {
      tokens[token] = (channels.object ?? [:]).compactMapValues(\.string)
    }
    for hook in seed["slack"]?["hooks"]?.array ?? [] { if let path = hook.string { hooks.insert(path) } }
    for (id, token) in seed["discord"]?.object ?? [:] { discord[id] = token.string }
    for (name, keys) in seed["webhooks"]?.object ?? [:] {
      webhooks[name] = try (keys.array ?? []).map { key throws(Refusal) in
        guard let text = key.string, text.hasPrefix("whsec_"), let bytes = Base64.decode(text.dropFirst(6))
        else {
          throw Refusal("seed: a key of the webhook \(name) is not whsec_ and base64")
        }
        return bytes
      }
    }
  }

  /// - Returns: the seconds to wait; nil: go on.
  mutating func limit(_ key: String, size: Double, perSecond: Double, at now: Timestamp) -> Double? {
    var bucket = buckets[key] ?? Bucket(size: size, perSecond: perSecond, level: size, at: now)
    defer { buckets[key] = bucket }
    return bucket.take(now)
  }

  /// Adds a message and gives its id.
  mutating func post(_ service: String, _ place: String, _ text: String, at now: Timestamp) -> String {
    count += 1
    let id =
      service == "slack"
      ? "\(now.milliseconds / 1000).\(String(1_000_000 + count).dropFirst())" : String(1_000_000_000 + count)
    messages.append(Message(service: service, place: place, id: id, text: text, edits: 0, deliveries: 1))
    return id
  }

  /// Changes a message. False when there is none such.
  mutating func edit(_ service: String, _ place: String, _ id: String, _ text: String) -> Bool {
    guard
      let index = messages.firstIndex(where: { $0.service == service && $0.place == place && $0.id == id })
    else { return false }
    messages[index].text = text
    messages[index].edits += 1
    messages[index].deliveries += 1
    return true
  }

  /// A webhook's event: one id is one event, however often it comes.
  mutating func receive(_ name: String, _ id: String, _ text: String) {
    if let index = messages.firstIndex(where: { $0.service == "webhook" && $0.place == name && $0.id == id })
    {
      messages[index].deliveries += 1
    } else {
      messages.append(
        Message(service: "webhook", place: name, id: id, text: text, edits: 0, deliveries: 1))
    }
  }
}
