package import Concurrency
import FoundationEssentials
import JSON
package import Model
import Terminal

/// What a command says in the end: shown to people as lines, to programs as one JSON document.
package protocol Report: Codable, Sendable {
  /// The document's `kind`.
  static var kind: String { get }

  /// What a person sees.
  func lines(_ symbols: Symbols) -> [Line]
}

extension Report {
  /// The report as text.
  package func text(_ canvas: Canvas) -> [String] { canvas.draw(lines(canvas.symbols)) }

  /// The report as a JSON document on one line: `{"shipit":1,"kind":…}` and the report's own members.
  package func json(_ redact: (String) -> String = { $0 }) -> String {
    guard case .object(var members)? = try? JSON(encoding: self) else {
      return #"{"kind":"error","shipit":1}"#
    }
    members["shipit"] = .int(Int64(documentVersion))
    members["kind"] = .string(Self.kind)
    return JSON.object(members).showable(redact).serialized()
  }
}

/// The version of every JSON document and event; raised when a member changes its meaning or goes away.
package let documentVersion = 1

extension JSON {
  /// The value with every text redacted and freed from control characters, keys included.
  func showable(_ redact: (String) -> String) -> JSON {
    switch self {
    case .null, .bool, .int, .double: self
    case .string(let text): .string(showable(text, redact))
    case .array(let elements): .array(elements.map { $0.showable(redact) })
    case .object(let members):
      .object(
        Dictionary(
          members.map { (showable($0.key, redact), $0.value.showable(redact)) },
          uniquingKeysWith: { first, _ in first }))
    }
  }

  private func showable(_ text: String, _ redact: (String) -> String) -> String {
    sanitise(redact(text), keepingLines: true)
  }
}

/// A moment that is written as ISO 8601 in documents.
package struct Moment: Codable, Sendable, Hashable {
  package var timestamp: Timestamp

  package init(_ timestamp: Timestamp) { self.timestamp = timestamp }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    guard let timestamp = Timestamp(iso8601: try container.decode(String.self)) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "not an ISO 8601 moment")
    }
    self.timestamp = timestamp
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(timestamp.iso8601)
  }
}

/// A duration that is written as a number of seconds in documents.
package struct Seconds: Codable, Sendable, Hashable {
  package var duration: Duration

  package init(_ duration: Duration) { self.duration = duration }

  package init(from decoder: any Decoder) throws {
    duration = .milliseconds((try decoder.singleValueContainer().decode(Double.self) * 1000).rounded())
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    let milliseconds = duration.wholeMilliseconds
    if milliseconds % 1000 == 0 {
      try container.encode(milliseconds / 1000)
    } else {
      try container.encode(Double(milliseconds) / 1000)
    }
  }
}

/// An address of a platform that the process environment replaces, such as `SHIPIT_RAILWAY_URL`.
package struct Override: Codable, Sendable, Hashable {
  package var name: String
  package var value: String

  package init(name: String, value: String) {
    self.name = name
    self.value = value
  }

  var line: Line { .labelled("endpoint", [.warning("\(name)=\(value)")], indent: 0) }
}

/// Which release, in the fewest words.
package struct ReleaseHead: Codable, Sendable, Hashable {
  package var release: Int
  package var commit: String
  package var subject: String

  package init(release: Int, commit: String, subject: String) {
    self.release = release
    self.commit = commit
    self.subject = subject
  }

  package init(_ release: Release) {
    self.init(release: release.number, commit: release.commit, subject: release.subject)
  }
}
