import JSON
import Model

/// A notice in Slack's blocks, within their limits (contract notifications §2.3).
///
/// Every text is `plain_text`, which mentions nobody and needs no escaping; only the fallback is `mrkdwn`.
struct SlackMessage {
  private let notice: Notice

  init(_ notice: Notice) { self.notice = notice }

  /// `text` and `blocks`.
  var members: [String: JSON] { ["text": .string(fallback), "blocks": .array(blocks)] }

  /// The message without blocks, for a service that takes ours not.
  var plainMembers: [String: JSON] {
    let text = NoticeText(notice)
    let lines = [text.title, text.change] + [problem].compactMap(\.self) + [next].compactMap(\.self)
    return ["text": .string(SlackMessage.escaped(NoticeText.cut(lines.joined(separator: "\n"), 3000)))]
  }

  /// What a notification on a telephone shows.
  private var fallback: String { SlackMessage.escaped(NoticeText.line(NoticeText(notice).title, 300)) }

  private var blocks: [JSON] {
    let text = NoticeText(notice)
    var blocks: [JSON] = [
      ["type": "header", "text": SlackMessage.plain(NoticeText.line(text.title, 150))],
      section([
        NoticeText.line(text.change, 1000), notice.reason.map { NoticeText.line("reason: \($0)", 1000) },
      ]),
    ]
    if !text.services.isEmpty {
      blocks.append(section([NoticeText.cut(text.services.joined(separator: "\n"), 2500)]))
    }
    if let problem { blocks.append(section([problem])) }
    if let next {
      blocks.append(["type": "context", "elements": [SlackMessage.plain(next)]])
    }
    if let link = notice.link, link.hasPrefix("https://"), link.utf8.count <= 3000 {
      let button: JSON = [
        "type": "button", "text": SlackMessage.plain("the run's log"), "url": .string(link),
      ]
      blocks.append(["type": "actions", "elements": [button]])
    }
    return blocks
  }

  private var problem: String? { notice.problem.map { NoticeText.line("failed: \($0)", 1500) } }

  private var next: String? { notice.next.map { NoticeText.line("next: \($0)", 1000) } }

  private func section(_ lines: [String?]) -> JSON {
    let text = lines.compactMap(\.self).joined(separator: "\n")
    return ["type": "section", "text": SlackMessage.plain(NoticeText.cut(text, 3000))]
  }

  private static func plain(_ text: String) -> JSON {
    ["type": "plain_text", "text": .string(text), "emoji": false]
  }

  /// Disarms mentions and links of `mrkdwn` too.
  static func escaped(_ text: String) -> String {
    var safe = ""
    for character in text {
      switch character {
      case "&": safe += "&amp;"
      case "<": safe += "&lt;"
      case ">": safe += "&gt;"
      default: safe.append(character)
      }
    }
    return safe
  }
}
