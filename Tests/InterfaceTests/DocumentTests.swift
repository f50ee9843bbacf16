import Foundation
import Interface
import Model
import Testing

@Suite struct `The page of exit codes` {
  @Test(arguments: ExitCode.allCases)
  func `gives every code the meaning that the program prints`(_ code: ExitCode) throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let page = try String(contentsOf: root.appendingPathComponent("docs/exit-codes.md"), encoding: .utf8)
    let row = page.split(separator: "\n").first { $0.hasPrefix("| \(code.rawValue) |") }
    #expect(row?.hasPrefix("| \(code.rawValue) | \(code.meaning)") == true)
  }
}
