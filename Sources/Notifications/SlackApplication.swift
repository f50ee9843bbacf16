import HTTP
import JSON
import Model

/// `chat.postMessage` and `chat.update` of Slack (contract notifications §2.2).
struct SlackApplication: NoticeReceiver {
  let name: String
  let token: Sensitive
  let channel: String
  /// `https://slack.com`, or the twin.
  let baseURL: String
  let http: any HTTPTransport

  var canEdit: Bool { true }
  var isIdempotent: Bool { false }

  func send(
    _ notice: Notice, replacing reference: String?, limit: Duration
  ) async throws(NoticeFailure) -> String? {
    let message = SlackMessage(notice)
    // Channel and time of the message, as the post gave them.
    if let parts = reference?.split(separator: "/"), parts.count == 2 {
      let place: [String: JSON] = ["channel": .string(String(parts[0])), "ts": .string(String(parts[1]))]
      if let sent = try await call("chat.update", place, message, limit) { return sent }
    }
    return try await call("chat.postMessage", ["channel": .string(channel)], message, limit)
  }

  /// - Returns: where the message is; nil when there is none to change any more.
  private func call(
    _ method: String, _ place: [String: JSON], _ message: SlackMessage, _ limit: Duration
  ) async throws(NoticeFailure) -> String? {
    let answer = try await ask(method, place.merging(message.members) { $1 }, limit)
    if answer["ok"]?.bool == true { return reference(answer) }
    switch answer["error"]?.string ?? "" {
    case "message_not_found", "edit_window_closed", "cant_update_message": return nil
    case "msg_too_long", "msg_blocks_too_long", "invalid_blocks", "invalid_blocks_format":
      // Without blocks an update takes those of the message away.
      let plain = try await ask(method, place.merging(message.plainMembers) { $1 }, limit)
      if plain["ok"]?.bool == true { return reference(plain) }
      throw failure(plain)
    default: throw failure(answer)
    }
  }

  private func reference(_ answer: JSON) -> String? {
    guard let channel = answer["channel"]?.string, let time = answer["ts"]?.string else { return nil }
    return "\(channel)/\(time)"
  }

  private func ask(
    _ method: String, _ members: [String: JSON], _ limit: Duration
  ) async throws(NoticeFailure) -> JSON {
    let response = try await HookSender(http: http).send(
      Array(JSON.object(members).serialized().utf8), to: "\(baseURL)/api/\(method)",
      headers: [("Authorization", "Bearer \(token.reveal())")], limit: limit)
    guard let answer = try? JSON(parsing: response.body), answer["ok"]?.bool != nil else {
      throw NoticeFailure(.doubling, "its answer cannot be read")
    }
    if answer["ok"]?.bool == false, answer["error"]?.string == "ratelimited" {
      throw HookSender.rateLimited(HookSender.retryAfter(response))
    }
    return answer
  }

  private func failure(_ answer: JSON) -> NoticeFailure {
    let word = String((answer["error"]?.string ?? "unknown").filter { $0.isLetter || $0 == "_" }.prefix(40))
    switch word {
    case "channel_not_found", "not_in_channel", "is_archived":
      return NoticeFailure(.useless, "its channel cannot be written to (\(word))")
    case "invalid_auth", "token_revoked", "account_inactive", "not_authed", "token_expired":
      return NoticeFailure(.useless, "its token was refused (\(word))")
    case "missing_scope": return NoticeFailure(.useless, "its token lacks the scope chat:write")
    case "fatal_error", "internal_error", "service_unavailable":
      return NoticeFailure(.once, "it failed (\(word))")
    default: return NoticeFailure(.useless, "it refused the message (\(word))")
    }
  }

  func examine() async -> Examination {
    guard token.reveal().hasPrefix("xoxb-") else {
      return Examination(
        name, .warning, "its token does not begin with xoxb-, as a bot's does",
        hint: "take the bot token of the application's page OAuth & Permissions")
    }
    if channel.hasPrefix("#") || channel.first?.isUppercase != true {
      return Examination(
        name, .good, "a bot token and a channel by name; nothing was sent",
        hint: "the channel's id survives a renaming: it stands at the end of the channel's details")
    }
    return Examination(name, .good, "a bot token and a channel; nothing was sent")
  }
}
