/// Rules every deploy must satisfy. A rollback needs to satisfy none of them.
package struct Protection: Sendable, Hashable {
  /// Only commits of this branch.
  package var branch: String?
  /// The environment in which the commit must be live and healthy first.
  package var after: String?
  /// People who must agree first.
  package var approval: ApprovalRule?
  /// Times without deploys.
  package var freezes: [Freeze]
  /// The whole run's limit; default 30 minutes.
  package var deadline: Duration
  /// The worst that a pending migration may be; nil: anything.
  package var migrations: MigrationEffect?

  package init(
    branch: String? = nil, after: String? = nil, approval: ApprovalRule? = nil, freezes: [Freeze] = [],
    deadline: Duration = .seconds(1800), migrations: MigrationEffect? = nil
  ) {
    self.branch = branch
    self.after = after
    self.approval = approval
    self.freezes = freezes
    self.deadline = deadline
    self.migrations = migrations
  }

  /// It says which code may go live, so that what no commit stands for may not.
  package var isAboutCommits: Bool { branch != nil || after != nil || approval != nil }
}

extension Protection: Codable {
  private enum CodingKeys: String, CodingKey { case branch, after, approval, freezes, deadline, migrations }

  // Records of earlier releases lack what was added since.
  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      branch: try container.decodeIfPresent(String.self, forKey: .branch),
      after: try container.decodeIfPresent(String.self, forKey: .after),
      approval: try container.decodeIfPresent(ApprovalRule.self, forKey: .approval),
      freezes: try container.decodeIfPresent([Freeze].self, forKey: .freezes) ?? [],
      deadline: try container.decode(Duration.self, forKey: .deadline),
      migrations: try container.decodeIfPresent(MigrationEffect.self, forKey: .migrations))
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encodeIfPresent(branch, forKey: .branch)
    try container.encodeIfPresent(after, forKey: .after)
    try container.encodeIfPresent(approval, forKey: .approval)
    if !freezes.isEmpty { try container.encode(freezes, forKey: .freezes) }
    try container.encode(deadline, forKey: .deadline)
    try container.encodeIfPresent(migrations, forKey: .migrations)
  }
}

/// Who must agree to a deploy.
package struct ApprovalRule: Sendable, Hashable, Codable {
  /// User names, without regard to case.
  package var by: [String]
  /// How many of them.
  package var count: Int
  /// Whoever deploys may be one of them.
  package var own: Bool
  /// How long an approval counts.
  package var expires: Duration

  package init(by: [String], count: Int = 1, own: Bool = true, expires: Duration = .seconds(86_400)) {
    self.by = by
    self.count = count
    self.own = own
    self.expires = expires
  }
}

/// A time without deploys.
package struct Freeze: Sendable, Hashable, Codable {
  package var from: FreezeMoment
  package var to: FreezeMoment
  /// Whose clock is meant, such as `Europe/Oslo`.
  package var timezone: String
  package var reason: String?

  package init(from: FreezeMoment, to: FreezeMoment, timezone: String = "UTC", reason: String? = nil) {
    self.from = from
    self.to = to
    self.timezone = timezone
    self.reason = reason
  }

  /// `fri 16:00 to mon 06:00 Europe/Oslo`.
  package var words: String { "\(from) to \(to) \(timezone)" }
}

/// When a freeze begins or ends, as it is written: every week, or once.
package enum FreezeMoment: Sendable, Hashable, Codable, CustomStringConvertible {
  /// The weekday from 0 for Monday to 6 for Sunday, and the minute of the day.
  case weekly(weekday: Int, minute: Int)
  /// Without a minute: the whole day belongs to the freeze.
  case date(year: Int, month: Int, day: Int, minute: Int?)

  /// Why a text is no moment.
  package struct Mistake: Error, Hashable { package var message: String }

  private static let weekdays = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

  /// Reads `fri 16:00`, `2026-12-19` or `2026-12-19T09:30`.
  package init(parsing text: String) throws(Mistake) {
    let words = text.split(separator: " ")
    if words.count == 2, let weekday = Self.weekdays.firstIndex(of: String(words[0])) {
      self = .weekly(weekday: weekday, minute: try Self.minute(words[1], text))
      return
    }
    let halves = text.split(separator: "T", omittingEmptySubsequences: false)
    let numbers = halves[0].split(separator: "-", omittingEmptySubsequences: false)
    guard halves.count < 3, numbers.map(\.count) == [4, 2, 2], numbers.allSatisfy(Self.isNumber),
      let year = Int(numbers[0]), let month = Int(numbers[1]), let day = Int(numbers[2])
    else { throw Mistake(message: "`\(text)` is not a moment") }
    guard (1...12).contains(month), day >= 1, day <= Self.days(of: month, year) else {
      throw Mistake(message: "there is no day \(halves[0])")
    }
    self = .date(
      year: year, month: month, day: day, minute: halves.count == 2 ? try Self.minute(halves[1], text) : nil)
  }

  private static func minute(_ text: Substring, _ whole: String) throws(Mistake) -> Int {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.map(\.count) == [2, 2], parts.allSatisfy(isNumber), let hour = Int(parts[0]),
      let minute = Int(parts[1])
    else {
      throw Mistake(message: "`\(whole)` is not a moment")
    }
    guard (0...23).contains(hour), (0...59).contains(minute) else {
      throw Mistake(message: "there is no time \(text): a day goes from 00:00 to 23:59")
    }
    return hour * 60 + minute
  }

  // `Int` would take a sign too.
  private static func isNumber(_ text: Substring) -> Bool {
    text.allSatisfy { $0.isASCII && $0.isNumber }
  }

  private static func days(of month: Int, _ year: Int) -> Int {
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    return [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
  }

  package var isWeekly: Bool { if case .weekly = self { true } else { false } }

  package var description: String {
    func pad(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    func time(_ minute: Int) -> String { "\(pad(minute / 60)):\(pad(minute % 60))" }
    switch self {
    case .weekly(let weekday, let minute): return "\(Self.weekdays[weekday]) \(time(minute))"
    case .date(let year, let month, let day, let minute):
      return "\(year)-\(pad(month))-\(pad(day))" + (minute.map { "T\(time($0))" } ?? "")
    }
  }
}
