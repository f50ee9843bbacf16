import Interface
import JSON
import Language
import Model
import YAML

/// Prints what was found in an environment file.
enum Diagnostics {
  /// All findings, on standard error.
  /// - Parameters:
  ///   - root: the project's directory, which the files are named from.
  ///   - unsupportedIsError: what shipit does not act on yet ends the command.
  static func print(_ result: ReadResult, _ console: Console, root: String, unsupportedIsError: Bool) {
    let diagnostics = unsupportedIsError ? result.diagnosticsForActing : result.diagnostics
    guard !diagnostics.isEmpty else { return }
    let folder = console.actions?.folder(of: root) ?? ""
    console.annotate(
      diagnostics.filter { $0.severity != .note }.map { annotation($0, folder: folder) })
    if console.wantsJSON {
      if unsupportedIsError {
        console.write(
          JSON.object([
            "shipit": 1, "kind": "error", "exit": 2, "diagnostics": .array(diagnostics.map(json)),
          ]).serialized())
      }
      return
    }
    let canvas = console.noteCanvas
    let renderer = DiagnosticRenderer(
      files: result.files,
      width: canvas.width ?? 100,
      style: { role, text in canvas.palette.paint(text, Diagnostics.role(role)) })
    console.raw(renderer.render(diagnostics) + "\n")
  }

  /// One environment's findings for programs.
  static func json(_ name: String, _ result: ReadResult) -> JSON {
    .object([
      "environment": .string(name), "valid": .bool(!result.hasErrors),
      "diagnostics": .array(result.diagnostics.map(json)),
    ])
  }

  /// - Parameter folder: from the repository's top to the project, ending with a slash.
  private static func annotation(_ diagnostic: Diagnostic, folder: String) -> Annotation {
    let help = diagnostic.help.map { "\nhelp: \($0)" } ?? ""
    return Annotation(
      diagnostic.severity == .error ? .error : .warning, title: diagnostic.code.rawValue,
      message: diagnostic.message + help,
      place: Annotation.Place(
        file: folder + diagnostic.mark.file, line: diagnostic.mark.line, column: diagnostic.mark.column))
  }

  private static func json(_ diagnostic: Diagnostic) -> JSON {
    var members: [String: JSON] = [
      "severity": .string(diagnostic.severity.rawValue), "code": .string(diagnostic.code.rawValue),
      "message": .string(diagnostic.message), "file": .string(diagnostic.mark.file),
      "line": .int(Int64(diagnostic.mark.line)), "column": .int(Int64(diagnostic.mark.column)),
      "path": .string(diagnostic.path),
    ]
    if let help = diagnostic.help { members["help"] = .string(help) }
    return .object(members)
  }

  private static func role(_ role: DiagnosticRenderer.Role) -> Role {
    switch role {
    case .error: .bad
    case .warning: .warning
    case .note: .accent
    case .gutter: .faint
    case .help: .accent
    case .emphasis: .strong
    }
  }
}
