import Foundation
import JSON
import Testing

/// One case of the contract's file: the input of one rule, and what it must give.
struct Case: Sendable, CustomTestStringConvertible {
  let id: String
  let kind: String
  let input: JSON
  let expect: JSON

  var testDescription: String { "\(id) \(kind)" }

  /// Every case of the file that `ANALYSIS_CASES` names, else of the contracts beside this repository.
  static let all: [Case] = {
    let environment = ProcessInfo.processInfo.environment
    let contracts =
      environment["SHIPIT_CONTRACTS"] ?? FileManager.default.currentDirectoryPath + "/../shared/contracts"
    let path = environment["ANALYSIS_CASES"] ?? contracts + "/rollout-analysis/cases.json"
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
      print("skipped: no cases at \(path); name a file with ANALYSIS_CASES to hold the rules against it")
      return []
    }
    let file = try? JSON(parsing: Array(text.utf8))
    return (file?["cases"]?.array ?? [.null]).map { entry in
      Case(
        id: entry["id"]?.string ?? "unreadable", kind: entry["kind"]?.string ?? "unreadable",
        input: entry["input"] ?? .null, expect: entry["expect"] ?? .null)
    }
  }()
}

extension JSON {
  /// Whether it is what a case expects: numbers within 1e-5, of an object only the members that are named.
  func matches(_ expected: JSON) -> Bool {
    if case .object(let members) = expected {
      return members.allSatisfy { (self[$0.key] ?? .null).matches($0.value) }
    }
    if case .array(let elements) = expected {
      guard let own = array, own.count == elements.count else { return false }
      return zip(own, elements).allSatisfy { $0.matches($1) }
    }
    if let wanted = expected.double, let own = double {
      return abs(own - wanted) <= 1e-5 * max(1, abs(wanted))
    }
    return self == expected
  }

  func doubles(_ key: String) -> [Double] { self[key]?.array?.compactMap(\.double) ?? [] }
  func seconds(_ key: String) -> Duration? { self[key]?.double.map { .milliseconds(Int($0 * 1000)) } }
  func count(_ key: String) -> Int? { self[key]?.int.map { Int($0) } }
}
