/// The key of a service in the environment file, such as `api`.
package struct ServiceName: Sendable, Hashable, Comparable, RawRepresentable, Codable,
  CustomStringConvertible,
  ExpressibleByStringLiteral
{
  package var rawValue: String
  package init(rawValue: String) { self.rawValue = rawValue }
  package init(stringLiteral value: String) { rawValue = value }
  package var description: String { rawValue }
  package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// The name of a step within its plan, such as `api.deploy`; unique and stable between plans of one configuration.
package struct StepID: Sendable, Hashable, Comparable, RawRepresentable, Codable, CustomStringConvertible,
  ExpressibleByStringLiteral
{
  package var rawValue: String
  package init(rawValue: String) { self.rawValue = rawValue }
  package init(_ rawValue: String) { self.rawValue = rawValue }
  package init(stringLiteral value: String) { rawValue = value }
  package var description: String { rawValue }
  package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// One execution of a plan, numbered per environment from 1.
package struct RunID: Sendable, Hashable, Comparable, Codable, CustomStringConvertible {
  package var number: Int
  package init(_ number: Int) { self.number = number }
  package init(from decoder: any Decoder) throws {
    number = try decoder.singleValueContainer().decode(Int.self)
  }
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(number)
  }
  package var description: String { String(number) }
  package static func < (left: Self, right: Self) -> Bool { left.number < right.number }
}

/// What shipit writes into every remote object that can carry text, so that it can be found again:
/// `shipit/APP/ENV/RUN/STEP`.
package struct Marker: Sendable, Hashable, Codable, CustomStringConvertible {
  package var app: String
  package var environment: String
  package var run: RunID
  package var step: StepID

  package init(app: String, environment: String, run: RunID, step: StepID) {
    self.app = app
    self.environment = environment
    self.run = run
    self.step = step
  }

  /// Reads the marker at the start of a text; what follows a space is ignored. Nil when there is none.
  package init?(parsing text: some StringProtocol) {
    guard let word = text.split(separator: " ", maxSplits: 1).first else { return nil }
    let parts = word.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 5, parts[0] == "shipit", let run = Int(parts[3]), !parts[4].isEmpty else {
      return nil
    }
    self.init(
      app: String(parts[1]), environment: String(parts[2]), run: RunID(run), step: StepID(String(parts[4])))
  }

  package var description: String { "shipit/\(app)/\(environment)/\(run)/\(step)" }
}

/// A platform services run on.
package enum PlatformName: String, Sendable, Hashable, Codable, CaseIterable {
  case railway, vercel, encore

  /// How people write it.
  package var title: String {
    switch self {
    case .railway: "Railway"
    case .vercel: "Vercel"
    case .encore: "Encore"
    }
  }

  /// The platform has a health gate of its own that takes the service's path.
  package var hasHealthGate: Bool { self == .railway }

  /// Each deployment carries its commit and release by itself, so that no stored variable has to.
  package var deploymentsNameTheirRelease: Bool { self != .railway }

  /// Variables are read when the code is built, all of them.
  package var buildReadsVariables: Bool { self == .vercel }
}
