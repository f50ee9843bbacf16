import Foundation
import Interface
import Terminal
import Testing

/// Compares text with a file in `Golden`. `SHIPIT_UPDATE_GOLDEN=1` writes the files anew.
func expectGolden(
  _ name: String, _ text: [String], sourceLocation: SourceLocation = #_sourceLocation
) throws {
  let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("Golden").appendingPathComponent(name)
  let found = text.joined(separator: "\n") + "\n"
  if ProcessInfo.processInfo.environment["SHIPIT_UPDATE_GOLDEN"] == "1" {
    try found.write(to: file, atomically: true, encoding: .utf8)
    return
  }
  let wanted = try? String(contentsOf: file, encoding: .utf8)
  guard wanted != found else { return }
  Issue.record(
    "\(name) differs; SHIPIT_UPDATE_GOLDEN=1 make test writes it anew.\n--- wanted\n\(wanted ?? "(no file)")\n--- found\n\(found)",
    sourceLocation: sourceLocation)
}

/// Every line fits: what a terminal of this width would not break.
func expectFits(_ lines: [String], _ width: Int, sourceLocation: SourceLocation = #_sourceLocation) {
  for line in lines {
    #expect(displayWidth(of: line) <= width, "\(line)", sourceLocation: sourceLocation)
  }
}

extension Canvas {
  static let eighty = Canvas(palette: .plain, symbols: .unicode, width: 80)
  static let ascii = Canvas(palette: .plain, symbols: .ascii, width: 80)
  static let coloured = Canvas(palette: .coloured, symbols: .unicode, width: 80)
}

/// A redactor that knows one secret.
func hiding(_ secret: String) -> @Sendable (String) -> String {
  { $0.replacingOccurrences(of: secret, with: "‹secret›") }
}
