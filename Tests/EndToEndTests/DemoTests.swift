import Foundation
import Processes
import TestSupport
import Testing

/// `make demo` as it is told in the README.
@Suite(.timeLimit(.minutes(5))) struct DemoTests {
  @Test func theDemoTellsItsStoryAndLeavesNothingBehind() async throws {
    let scratch = try ScratchDirectory()
    let environment = [
      "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin", "HOME": scratch.path,
      "LANG": "C.UTF-8",
      "SHIPIT": Checkout.binary, "TMPDIR": scratch.path,
    ].merging(Checkout.sanitizerOptions) { own, _ in own }
    let before = Set(try FileManager.default.contentsOfDirectory(atPath: "/tmp"))
    let result = try await Launcher().run(
      ProcessSpecification(
        Checkout.root + "/scripts/demo", [], environment: environment, directory: scratch.path),
      timeout: .seconds(150))
    #expect(result.exit.isSuccess, "\(result.text.suffix(3000))\(result.errorText)")
    for words in [
      "what was missing is made", "release 2 is live", "release 3 is live",
      "what was staged was seen by nobody", "put back and proven",
      "named the revision 0ld5ta1e", "users could get", "release 2 is live again, as release 6",
      "production is pinned", "restored and counted: 2 tables, 1001 rows", "the schema is at 0002_note.sql",
      "orders_customer built", "the schema stays ahead by 1 migration: 0002_note.sql",
      "no automatic rollback of code once 0003_drop.sql is applied",
      "begun with 10 %, read back", "raised from 10 % to 25 %, read back", "switched off: errors",
      "raised from 25 % to 100 %, read back", "complete: everybody has it",
      "had the feature: 0 → 4 → 10 → 0 → 4 → 10 → 40", "nothing is left running",
    ] {
      #expect(result.text.contains(words), "the demo does not say “\(words)”")
    }
    #expect(result.text.contains(#/web +\d+ answers, 0 wrong: [0-9a-f]{7} → [0-9a-f]{7} → [0-9a-f]{7}\n/#))
    let backup = try #require(result.text.firstRange(of: #/✓ back up main .*2 tables/#))
    let migration = try #require(result.text.firstRange(of: #/→ migrate main\n.*0002_note/#))
    #expect(backup.upperBound < migration.lowerBound)
    let databases = try FileManager.default.contentsOfDirectory(atPath: "/tmp").filter {
      $0.hasPrefix("demo-postgres.") && !before.contains($0)
    }
    #expect(databases == [])
    // Every process of the demo works below the scratch directory or names it.
    for entry in try FileManager.default.contentsOfDirectory(atPath: "/proc") where Int(entry) != nil {
      let line = (try? String(contentsOfFile: "/proc/\(entry)/cmdline", encoding: .utf8)) ?? ""
      let directory = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(entry)/cwd")) ?? ""
      #expect(!line.contains(scratch.path) && !directory.hasPrefix(scratch.path), "left behind: \(line)")
    }
    let files = (FileManager.default.enumerator(atPath: scratch.path)?.allObjects as? [String] ?? []).filter {
      name in
      var isDirectory: ObjCBool = false
      return name.contains("shipit")
        && FileManager.default.fileExists(atPath: "\(scratch.path)/\(name)", isDirectory: &isDirectory)
        && !isDirectory.boolValue
    }
    #expect(files == [])
  }
}
