import FoundationEssentials
import Model
import Processes

/// squawk, a linter of migrations: where it is installed, what it says and the review here does not is told with it
/// (contract migrations §5.4). It decides nothing.
struct Squawk: Sendable {
  private struct Remark: Decodable {
    var line: Int
    var message: String
    var help: String?
    var rule_name: String
  }

  /// What shipit does by itself, or what is style.
  private static let left: Set<String> = [
    "require-lock-timeout", "require-statement-timeout", "require-timeout-settings", "syntax-error",
    "assume-in-transaction", "transaction-nesting",
  ]

  let launcher: Launcher
  let environment: [String: String]

  /// - Parameters:
  ///   - text: SQL.
  ///   - version: of the server, such as `15.18`.
  /// - Returns: nothing when it is not there, or cannot read the text.
  func findings(in text: String, version: String) async -> [MigrationFinding] {
    let specification = ProcessSpecification(
      "squawk", ["--reporter", "Json", "--pg-version", version, "--stdin-filepath", "migration.sql"],
      environment: environment, directory: "/", input: Array(text.utf8))
    guard let result = try? await launcher.run(specification, timeout: .seconds(20)),
      let remarks = try? JSONDecoder().decode([Remark].self, from: Data(result.text.utf8))
    else { return [] }
    let starts = SQLScript(text).statements.map(\.line)
    var seen: Set<String> = []
    return remarks.compactMap { remark in
      guard !Self.left.contains(remark.rule_name), !remark.rule_name.hasPrefix("prefer-") else { return nil }
      // Of its statement, as the review counts; squawk's lines begin at 0.
      let line = starts.last { $0 <= remark.line + 1 } ?? remark.line + 1
      guard seen.insert("\(line) \(remark.rule_name)").inserted else { return nil }
      return MigrationFinding(
        line: line, effect: .expand, reason: "squawk says: \(remark.message) (\(remark.rule_name))",
        safer: remark.help)
    }
  }
}
