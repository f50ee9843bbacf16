import Model

/// A notice in the words that every receiver shares; each escapes and lays them out in its own way.
struct NoticeText {
  private let notice: Notice

  init(_ notice: Notice) { self.notice = notice }

  /// `✅ shop prod: release 12 is live`
  var title: String { "\(symbol) \(plainTitle)" }

  /// `shop prod: release 12 is live`
  var plainTitle: String { "\(notice.app) \(notice.environment): \(notice.headline)" }

  private var symbol: String {
    switch notice.event {
    case .started: "⏳"
    case .released: "✅"
    case .rolledBack: "⏪"
    case .failed: "❌"
    case .paused: "⏸️"
    case .approval: "✋"
    case .held: "🔒"
    }
  }

  /// `1a2b3c4 Fix the thing, by ann@laptop`
  var change: String {
    let commit = notice.commit.map(NoticeText.short)
    let what = [commit, notice.subject].compactMap(\.self).filter { !$0.isEmpty }.joined(separator: " ")
    return what.isEmpty ? "by \(notice.by)" : "\(what), by \(notice.by)"
  }

  /// One line a service, the first twenty: `api  9f8e7d6 → 1a2b3c4`.
  var services: [String] {
    let shown = notice.services.prefix(20).map { service in
      let from = service.from.map(NoticeText.short) ?? "nothing"
      let to = service.to.map(NoticeText.short) ?? "not known"
      let change = from == to ? to : "\(from) → \(to)"
      return "\(service.name)  \(change)" + (service.note.map { ", \($0)" } ?? "")
    }
    let rest = notice.services.count - shown.count
    return rest > 0 ? shown + ["and \(rest) more"] : shown
  }

  /// As `git log --oneline` has it.
  static func short(_ commit: String) -> String {
    let isHash = commit.count >= 12 && commit.allSatisfy(\.isHexDigit)
    return isHash ? String(commit.prefix(7)) : commit
  }

  /// On one line, at most so many UTF-16 units long, which no service counts as fewer; what is cut ends with an
  /// ellipsis.
  static func line(_ text: String, _ limit: Int) -> String {
    let flat = text.split(whereSeparator: { $0.isNewline }).joined(separator: " ")
    return cut(flat, limit)
  }

  /// At most so many UTF-16 units; what is cut ends with an ellipsis.
  static func cut(_ text: String, _ limit: Int) -> String {
    guard text.utf16.count > limit else { return text }
    var kept = ""
    var size = 1
    for character in text {
      size += String(character).utf16.count
      guard size <= limit else { break }
      kept.append(character)
    }
    return kept + "…"
  }
}
