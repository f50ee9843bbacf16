import Foundation
import JSON
import Model
import Secrets
import Testing

/// One file of the corpus, and what a real parser read from it.
struct Observation: Sendable, CustomTestStringConvertible {
  let name: String
  let dialect: DotenvDialect
  let input: String
  /// Nil where the parser refused the file.
  let values: [String: String]?

  var testDescription: String { "\(name) as \(dialect.rawValue)" }

  static let all: [Observation] = {
    let contracts =
      ProcessInfo.processInfo.environment["SHIPIT_CONTRACTS"]
      ?? FileManager.default.currentDirectoryPath + "/../shared/contracts"
    let path = contracts + "/secrets/dotenv-corpus.json"
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
      print("skipped: no corpus at \(path); set SHIPIT_CONTRACTS to hold the dialects against it")
      return []
    }
    let cases = (try? JSON(parsing: Array(text.utf8)))?["cases"]?.array ?? []
    return cases.flatMap { entry in
      parsers.compactMap { key, dialect in
        guard let name = entry["name"]?.string, let input = entry["input"]?.string,
          let observed = entry[key]?.object
        else { return nil }
        let values = observed["__error"] == nil ? observed.compactMapValues(\.string) : nil
        return Observation(name: name, dialect: dialect, input: input, values: values)
      }
    }
  }()

  private static let parsers: [(String, DotenvDialect)] = [
    ("python_dotenv_1_2_4", .python), ("npm_dotenv_17_4_2", .npm), ("node_20_20_parseEnv", .node),
    ("ruby_dotenv_2_4_0", .ruby), ("bash_source", .shell), ("godotenv_1_5_1", .go),
  ]

  /// Where the parser runs a command or goes on after one that failed, shipit refuses the file.
  static let refused: Set<String> = [
    "command substitution as ruby", "command substitution as shell", "backticks as shell",
    "yaml colon as shell",
    "bare name as shell", "double dollar as shell",
  ]
}

@Suite struct DotenvCorpusTests {
  @Test("a dialect reads what its parser read", arguments: Observation.all)
  func dialect(_ seen: Observation) throws {
    let read = try? Dotenv(Array(seen.input.utf8), dialect: seen.dialect)
    if Observation.refused.contains(seen.testDescription) {
      #expect(read == nil, "it was read")
    } else {
      #expect(read?.values.mapValues { $0.reveal() } == seen.values, "\(seen.input.debugDescription)")
    }
  }

  @Test(
    "strict reads a file only where no parser reads another value",
    arguments: Set(Observation.all.map(\.name)))
  func strict(_ name: String) throws {
    let seen = Observation.all.filter { $0.name == name }
    let input = try #require(seen.first).input
    let read: [String: String]?
    do {
      read = try Dotenv(Array(input.utf8)).values.mapValues { $0.reveal() }
    } catch {
      #expect(error.line >= 1 && !error.help.isEmpty)
      read = nil
    }
    guard let read else {
      // Refused: then two of them really differ, or one refuses or loses something.
      #expect(Set(seen.map { $0.values ?? ["refused": ""] }).count > 1, "every parser agrees")
      return
    }
    // What is read is what most read; where the dialects differ it is one of the listed constructs.
    let isListed = [
      "dq newline escape", "dq tab escape", "dq escaped quote", "dq escaped backslash", "dq escaped dollar",
      "dq two lines", "sq two lines", "crlf", "bom", "dashed key", "export odd blanks",
    ].contains(name)
    for observation in seen where !isListed {
      guard let values = observation.values else { continue }
      #expect(values == read, "\(observation.dialect) reads otherwise")
    }
  }
}
