import HTTP
import JSON
import Model

/// An incoming webhook of Slack: a message that cannot be changed (contract notifications §2.1).
struct SlackHook: NoticeReceiver {
  let name: String
  let url: Sensitive
  let http: any HTTPTransport

  var canEdit: Bool { false }
  var isIdempotent: Bool { false }

  func send(
    _ notice: Notice, replacing reference: String?, limit: Duration
  ) async throws(NoticeFailure) -> String? {
    guard let address = HookAddress(url) else {
      throw NoticeFailure(.useless, "its secret is no https address")
    }
    let body = JSON.object(SlackMessage(notice).members)
    _ = try await HookSender(http: http).send(Array(body.serialized().utf8), to: address.url, limit: limit)
    return nil
  }

  func examine() async -> Examination {
    HookAddress.examine(name, url, usual: ["hooks.slack.com", "hooks.slack-gov.com"], path: "/services/")
  }
}
