import Concurrency
import Flags
import Foundation
import JSON
import Model
import TestSupport
import Testing

/// The file of flagd (contract flagd).
@Suite struct FlagdTests {
  static let file = """
    {
      "$schema": "https://flagd.dev/schema/v0/flags.json",
      "flags": {
        "banner":   {"state": "ENABLED", "variants": {"a": "A", "b": "B\\u00e9"}, "defaultVariant": "a"},
        "new-checkout": {
          "state": "ENABLED",
          "variants": {"on": true, "off": false},
          "defaultVariant": "off"
        }
      },
      "metadata": {"flagSetId": "shop/production", "version": "42"}
    }

    """

  private func bench(_ text: String = file) throws -> (ScratchDirectory, FlagdFile) {
    let directory = try ScratchDirectory()
    try directory.write(text, to: "flags.json")
    return (
      directory,
      FlagdFile(path: directory.path + "/flags.json", key: "new-checkout", serve: true, clock: SystemClock())
    )
  }

  @Test func `A step changes its flag and the version, and no other byte`() async throws {
    let (directory, flag) = try bench()
    _ = try await flag.set(share(10), expected: try await flag.read(), note: FlagNote(marker: "m", text: ""))
    let wanted = Self.file.replacingOccurrences(
      of: """
              "defaultVariant": "off"
            }
        """,
      with: """
              "defaultVariant": "off",
              "targeting": {"fractional":[["on",10000],["off",90000]]},
              "metadata": {"rollout":"m"}
            }
        """
    ).replacingOccurrences(of: "\"version\": \"42\"", with: "\"version\": \"43\"")
    #expect(try directory.read("flags.json") == wanted)
    let off = try await flag.off(known: nil, note: FlagNote(marker: "m", text: ""))
    #expect(!off.isOn)
    #expect(try !directory.read("flags.json").contains("targeting"))
  }

  @Test func `The file is newer after each write, even against a clock that stood still`() async throws {
    let (directory, flag) = try bench()
    let path = directory.path + "/flags.json"
    let future = Date(timeIntervalSinceNow: 3600)
    try FileManager.default.setAttributes(
      [.modificationDate: future, .posixPermissions: 0o640], ofItemAtPath: path)
    _ = try await flag.set(share(10), expected: try await flag.read(), note: FlagNote(marker: "m", text: ""))
    let attributes = try FileManager.default.attributesOfItem(atPath: path)
    #expect(try #require(attributes[.modificationDate] as? Date) > future)
    #expect(attributes[.posixPermissions] as? Int == 0o640)
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["flags.json"])
  }

  @Test func `A rule that is not a share is refused, and can still be switched off`() async throws {
    let (directory, flag) = try bench(
      Self.file.replacingOccurrences(
        of: "\"defaultVariant\": \"off\"\n",
        with:
          "\"defaultVariant\": \"off\", \"targeting\": {\"if\": [{\"in\": [\"a\", {\"var\": \"plan\"}]}, \"on\", null]}\n"
      ))
    let failure = await #expect(throws: Failure.self) { try await flag.read() }
    #expect(failure?.kind == .configuration)
    #expect(failure?.message == "the targeting of new-checkout is not a share between two variants")
    #expect(try await !flag.off(known: nil, note: FlagNote(marker: "m", text: "")).isOn)
    #expect(try !directory.read("flags.json").contains("targeting"))
  }

  @Test(arguments: [
    "{", "[]", "{\"flags\": {}}", "{\"flags\": {\"new-checkout\": {\"variants\": {\"a\": 1}}}}",
  ])
  func `A file without the flag is refused and left alone`(_ text: String) async throws {
    let (directory, flag) = try bench(text)
    let failure = await #expect(throws: Failure.self) { try await flag.read() }
    #expect(failure?.kind == .configuration)
    await #expect(throws: FlagRefusal.self) {
      try await flag.off(known: nil, note: FlagNote(marker: "m", text: ""))
    }
    #expect(try directory.read("flags.json") == text)
  }

  @Test func `A link is refused: it cannot be replaced in one step`() async throws {
    let (directory, _) = try bench()
    try FileManager.default.createSymbolicLink(
      atPath: directory.path + "/link.json", withDestinationPath: directory.path + "/flags.json")
    let flag = FlagdFile(
      path: directory.path + "/link.json", key: "new-checkout", serve: true, clock: SystemClock())
    let failure = await #expect(throws: Failure.self) { try await flag.read() }
    #expect(failure?.message == "the flag file is no regular file")
  }
}
