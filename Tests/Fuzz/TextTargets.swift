import FoundationEssentials
import JSON
import Language
import Model
import YAML

/// YAML: every problem and every node has a place within the text.
enum YAMLTarget: FuzzTarget {
  static func read(_ bytes: [UInt8]) {
    let document = Document(bytes: bytes, name: "fuzz.yaml")
    for problem in document.problems { check(problem.mark, document.source) }
    if let root = document.root { check(root, document.source, depth: 0) }
  }

  private static func check(_ node: Node, _ file: SourceFile, depth: Int) {
    require(depth <= 129, "nested \(depth) deep")
    check(node.mark, file)
    // What aliases repeat is checked where it stands: to follow them all would take for ever.
    guard depth < 12 else { return }
    switch node.content {
    case .mapping(let mapping):
      for entry in mapping.entries.prefix(64) {
        check(entry.keyMark, file)
        check(entry.value, file, depth: depth + 1)
      }
    case .sequence(let nodes): for node in nodes.prefix(64) { check(node, file, depth: depth + 1) }
    default: break
    }
  }

  private static func check(_ mark: Mark, _ file: SourceFile) {
    require(mark.line >= 0 && mark.column >= 0, "a mark at \(mark.line):\(mark.column)")
    _ = file.line(mark.line)
  }
}

/// The environment file: an environment, or what is wrong with it, which can be shown.
enum LanguageTarget: FuzzTarget {
  private struct Memory: FileSource {
    var bytes: [UInt8]
    func read(_ path: String) throws -> [UInt8] {
      guard path.hasSuffix("environments/prod.yaml") else {
        throw FileFailure(reason: "there is no such file")
      }
      return bytes
    }
    func names(in directory: String) throws -> [String] { ["prod.yaml"] }
  }

  static func read(_ bytes: [UInt8]) {
    let result = EnvironmentReader(root: "", files: Memory(bytes: bytes)).read(name: "prod")
    require((result.environment == nil) == result.hasErrors, "an environment with errors, or none without")
    let text = DiagnosticRenderer(files: result.files, width: 80).render(result.diagnostics)
    require(result.diagnostics.isEmpty == text.isEmpty, "diagnostics that print nothing")
    for diagnostic in result.diagnostics { _ = diagnostic.json.serialized() }
    if let environment = result.environment {
      // As a ledger keeps it.
      guard let stored = try? JSONEncoder().encode(environment) else {
        return require(false, "cannot be stored")
      }
      let again = try? JSONDecoder().decode(Environment.self, from: stored)
      require(again == environment, "stored and read again it is another")
    }
  }
}

/// JSON: what was read is written so that it is read as the same text again. Once a large number with a fraction
/// may become a whole one.
enum JSONTarget: FuzzTarget {
  static func read(_ bytes: [UInt8]) {
    guard let value = try? JSON(parsing: bytes) else { return }
    let text = value.serialized()
    guard let again = try? JSON(parsing: Array(text.utf8)) else {
      return require(false, "what was written cannot be read: \(text)")
    }
    guard again != value else { return }
    let settled = again.serialized()
    require((try? JSON(parsing: Array(settled.utf8))) == again, "read again it is another: \(settled)")
  }
}
