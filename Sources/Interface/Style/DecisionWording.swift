import Concurrency
import Model

extension Decision {
  /// What was decided, by whom and why, in one sentence.
  var words: String {
    let why = reason.map { ": \($0)" } ?? ""
    let what = changes?.first.map { " (\($0))" } ?? ""
    switch kind {
    case .approvalWanted: return "approval asked for by \(by)"
    case .approved: return "approved by \(person ?? by) (\(by))\(why)"
    case .freezeOverridden: return "freeze overridden by \(by)\(what)\(why)"
    case .afterOverridden:
      return "deployed by \(by) although \(changes?.first ?? "it was not tried before")"
        + (reason.map { "; reason: \($0)" } ?? "")
    case .held: return "put on hold by \(by)\(why)"
    case .holdLifted: return "hold lifted by \(by)" + (reason.map { "; it was: \($0)" } ?? "")
    }
  }

  /// The sentence with its time, on a line of its own.
  func line(indent: Int) -> Line {
    Line(
      [.faint(String(repeating: " ", count: indent)), Span(words), .faint(", \(at.minute)")],
      overflow: .wrap(hanging: indent))
  }
}
