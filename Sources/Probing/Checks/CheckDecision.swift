import Concurrency
import Model

/// Turns the looks of a check into a verdict within its budget: no input or output, no time but what is handed in.
///
/// What can pass is looked at again after 100 ms × 1.1 up to 2 s, until the budget ends. What stays as it is, once
/// the service answers, is looked at again after a second, and believed the third time in a row.
struct CheckDecision: Sendable {
  enum Verdict: Sendable, Hashable {
    /// With what to tell people, when there is news.
    case again(after: Duration, String?)
    case done(String)
    case failed(Failure)
  }

  /// So many equal answers in a row are believed.
  static let steadyCount = 3
  static let steadyPause = Duration.seconds(1)
  /// The least time a look gets: none begins later than this before the end.
  static let leastLook = Duration.seconds(1)

  /// What is being said, and the command that shows the same: the parts of a failure that do not change.
  let words: CheckWords
  let began: Timestamp
  let ends: Timestamp
  private(set) var looks = 0
  /// Different sights in their order, equal ones in a row counted together; the newest last.
  private var rows: [(sight: Sight, count: Int, since: Timestamp)] = []
  private var pace = LookPace()

  init(_ words: CheckWords, began: Timestamp, ends: Timestamp) {
    self.words = words
    self.began = began
    self.ends = ends
  }

  mutating func take(_ answer: CheckAnswer, now: Timestamp) -> Verdict {
    looks += 1
    let sight: Sight
    switch answer {
    case .holds(let summary):
      return .done(looks == 1 ? summary : "\(summary), at look \(looks) after \((now - began).inWords)")
    case .fails(let seen): sight = seen
    }
    let isNews = rows.last?.sight.saw != sight.saw
    if isNews {
      rows.append((sight, 1, now))
      if rows.count > 4 { rows.removeFirst() }
    } else {
      rows[rows.count - 1].sight = sight
      rows[rows.count - 1].count += 1
    }
    var pause = max(pace.next(), sight.after ?? .zero)
    switch sight.hope {
    case .passing: break
    case .steady:
      if rows[rows.count - 1].count >= CheckDecision.steadyCount { return .failed(failure(now)) }
      pause = max(pause, CheckDecision.steadyPause)
    case .none: return .failed(failure(now))
    }
    guard now + pause + CheckDecision.leastLook <= ends else { return .failed(failure(now)) }
    return .again(after: pause, isNews ? "\(sight.saw), wants \(sight.wanted)" : nil)
  }

  private func failure(_ now: Timestamp) -> Failure {
    guard let last = rows.last else { return words.failure(.timeout, "was never asked", wanted: "an answer") }
    let before = rows.dropLast().map { "\($0.sight.saw) \(CheckWords.times($0.count))" }
    return words.failure(
      last.sight.hope == .passing ? .timeout : .failed,
      "\(last.sight.saw) (\(CheckWords.times(last.count)) in \((now - began).inWords))",
      wanted: last.sight.wanted,
      [last.sight.detail, before.isEmpty ? nil : "before that it \(before.joined(separator: ", then "))"])
  }
}

/// How a check's failure reads.
struct CheckWords: Sendable, Hashable {
  var name: String
  /// What it looked at: a URL, `host:port`, a name.
  var place: String
  /// A command that shows the same, to be typed.
  var command: String
  var environment: String

  /// "once", "3 times".
  static func times(_ count: Int) -> String { count == 1 ? "once" : "\(count) times" }

  func failure(
    _ kind: Failure.Kind, _ saw: String, wanted: String, _ details: [String?] = []
  ) -> Failure {
    let cause = details.compactMap(\.self).joined(separator: "; ")
    return Failure(
      kind, "the check \(name) \(saw), wanted \(wanted)", place: place, cause: cause.isEmpty ? nil : cause,
      hint: "`\(command)` shows it now; what is wanted stands under `checks` in "
        + "environments/\(environment).yaml")
  }
}
