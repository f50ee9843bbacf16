package import Concurrency
package import Model

extension Duration {
  /// For people: `250 ms`, `4.2 s`, `42 s`, `3 m 05 s`, `5 m`, `2 h 10 m`, `3 d`.
  package var words: String {
    let milliseconds = max(0, wholeMilliseconds)
    func rest(_ value: Int64, _ unit: String) -> String {
      value == 0 ? "" : value < 10 ? " 0\(value) \(unit)" : " \(value) \(unit)"
    }
    switch milliseconds {
    case ..<1000: return "\(milliseconds) ms"
    case ..<20_000: return milliseconds % 1000 < 100 ? "\(milliseconds / 1000) s" : tenths
    case ..<60_000: return "\(milliseconds / 1000) s"
    case ..<3_600_000: return "\(milliseconds / 60_000) m\(rest(milliseconds / 1000 % 60, "s"))"
    case ..<86_400_000: return "\(milliseconds / 3_600_000) h\(rest(milliseconds / 60_000 % 60, "m"))"
    default: return "\(milliseconds / 86_400_000) d"
    }
  }

  /// As `words`, but below 20 seconds always with a tenth, for columns that change while one looks.
  package var ticking: String { wholeMilliseconds < 20_000 ? tenths : words }

  private var tenths: String {
    let milliseconds = max(0, wholeMilliseconds)
    return "\(milliseconds / 1000).\(milliseconds % 1000 / 100) s"
  }
}

extension Timestamp {
  /// `2026-08-21 10:00 UTC`.
  package var minute: String { "\(iso8601.prefix(10)) \(iso8601.dropFirst(11).prefix(5)) UTC" }

  /// `3 minutes ago`, `in 20 seconds`, `just now`.
  package func relative(to now: Timestamp) -> String {
    let seconds = (now - self).wholeMilliseconds / 1000
    let size = abs(seconds)
    let (count, unit): (Int64, String) =
      switch size {
      case ..<60: (size, "second")
      case ..<3600: (size / 60, "minute")
      case ..<86_400: (size / 3600, "hour")
      default: (size / 86_400, "day")
      }
    if size < 2 { return "just now" }
    let words = "\(count) \(unit)\(count == 1 ? "" : "s")"
    return seconds >= 0 ? "\(words) ago" : "in \(words)"
  }
}

/// The short form of a commit, as `git log --oneline` has it.
package func short(_ commit: String) -> String {
  let isHash = commit.count >= 12 && commit.allSatisfy(\.isHexDigit)
  return isHash ? String(commit.prefix(7)) : commit
}

/// `1 step`, `2 steps`.
package func count(_ number: Int, _ word: String) -> String { "\(number) \(word)\(number == 1 ? "" : "s")" }

/// Names as people list them: `a`, `a and b`, `a, b and c`.
package func list(_ names: [String]) -> String {
  guard let last = names.last, names.count > 1 else { return names.first ?? "" }
  return names.dropLast().joined(separator: ", ") + " and " + last
}

extension ExitCode {
  /// What the code says, in the words of docs/exit-codes.md.
  package var meaning: String {
    switch self {
    case .done: "done"
    case .internalError: "a defect of shipit itself"
    case .usage: "usage or configuration"
    case .changesFound: "changes found"
    case .authentication: "authentication or permission"
    case .leaseHeld: "somebody else holds the environment"
    case .stale: "fenced or stale: older commit, moved plan or foreign deployment"
    case .failedClean: "failed, and the previous release is live and verified"
    case .failedMixed: "failed, and the state is mixed or has no previous release: a person is needed"
    case .waiting: "waits for a person"
    case .rollbackFailed: "a rollback that was asked for failed"
    case .deadline: "the deadline passed, and the previous release is live"
    case .policy: "policy: freeze, hold or No-Go"
    case .blind: "the metric store is blind"
    case .hangup: "hung up"
    case .interrupted: "interrupted"
    case .terminated: "terminated"
    }
  }
}

extension Proof {
  /// How sure we are, for people.
  package var words: String {
    switch self {
    case .served: "proven: served"
    case .platform: "proven: platform"
    case .no: "proven: no"
    }
  }

  var role: Role {
    switch self {
    case .served, .platform: .good
    case .no: .warning
    }
  }
}

extension CutOver {
  /// How users come to the new code, for people.
  package var words: String {
    switch self {
    case .staged: "proven dark, then promoted"
    case .gated: "the platform switches after its own check"
    case .stopFirst: "the old one stops before the new one starts"
    case .beside: "beside production, at an address of its own"
    }
  }
}
