package import JSON
import YAML

extension Diagnostic {
  /// The finding for programs: severity, code, message, place (lines and columns from 1), path, help.
  package var json: JSON {
    var members: [String: JSON] = [
      "severity": .string(severity.rawValue), "code": .string(code.rawValue), "message": .string(message),
      "file": .string(mark.file), "path": .string(path),
    ]
    if mark.line > 0 {
      members["line"] = .int(Int64(mark.line))
      members["column"] = .int(Int64(mark.column))
      members["endLine"] = .int(Int64(mark.endLine))
      members["endColumn"] = .int(Int64(mark.endColumn))
    }
    if let help { members["help"] = .string(help) }
    if !related.isEmpty {
      members["related"] = .array(
        related.map { related in
          [
            "file": .string(related.mark.file), "line": .int(Int64(related.mark.line)),
            "column": .int(Int64(related.mark.column)), "message": .string(related.message),
          ]
        })
    }
    return .object(members)
  }
}
