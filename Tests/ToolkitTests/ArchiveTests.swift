import Archive
import Foundation
import Processes
import Testing

@Suite(.timeLimit(.minutes(5)))
final class ArchiveTests {
  let directory = FileManager.default.temporaryDirectory.appendingPathComponent("archive-\(UUID())").path

  init() throws {
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: directory) }

  private func pack(_ name: String = "a.tgz", _ fill: (ArchiveWriter) throws -> Void) throws -> String {
    let writer = try ArchiveWriter(to: "\(directory)/\(name)", modified: 1_700_000_000)
    try fill(writer)
    try writer.finish()
    return writer.path
  }

  private func contents(_ path: String) -> [UInt8]? {
    FileManager.default.contents(atPath: path).map(Array.init)
  }

  private func mode(_ path: String) throws -> Int? {
    try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
  }

  private func sample(_ writer: ArchiveWriter) throws {
    try writer.addDirectory("./src")
    try writer.addFile("./src/main.py", bytes: Array("print(1)\n".utf8))
    try writer.addFile("./run", mode: 0o755, bytes: Array("#!/bin/sh\n".utf8))
    try writer.addFile("./ærlig/" + String(repeating: "long/", count: 60) + "name", bytes: [])
    try writer.addLink("./src/again", target: "../run")
  }

  // MARK: Round trip

  @Test func filesModesLinksAndLongNamesSurvive() throws {
    let path = try pack("a.tgz", sample)
    let out = directory + "/out"
    try ArchiveReader(file: path).extract(to: out)
    #expect(contents(out + "/src/main.py") == Array("print(1)\n".utf8))
    #expect(try mode(out + "/run") == 0o755)
    #expect(try mode(out + "/src/main.py") == 0o644)
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: out + "/src/again") == "../run")
    #expect(contents(out + "/ærlig/" + String(repeating: "long/", count: 60) + "name") == [])
  }

  @Test func entriesComeInOrderFromMemoryToo() throws {
    let bytes = try #require(contents(pack("a.tgz", sample)))
    let reader = try ArchiveReader(bytes: bytes)
    var entries: [ArchiveEntry] = []
    while let entry = try reader.next() {
      entries.append(entry)
      if entry.path == "./run" { #expect(try reader.bytes() == Array("#!/bin/sh\n".utf8)) }
    }
    #expect(entries.map(\.path).prefix(3) == ["./src/", "./src/main.py", "./run"])
    #expect(entries.map(\.isExecutable).prefix(3) == [true, false, true])
    #expect(entries[1] == ArchiveEntry(path: "./src/main.py", kind: .file, mode: 0o644, size: 9))
    #expect(entries[4].kind == .link(target: "../run"))
  }

  @Test func aBigFileFromDiskSurvives() throws {
    var state: UInt32 = 1
    let bytes = (0..<700_000).map { _ -> UInt8 in
      state = state &* 1_664_525 &+ 1_013_904_223
      return UInt8(truncatingIfNeeded: state >> 24)
    }
    try Data(bytes).write(to: URL(fileURLWithPath: directory + "/big"))
    let path = try pack { try $0.addFile("./big", contentsOf: directory + "/big") }
    try ArchiveReader(file: path).extract(to: directory + "/out")
    #expect(contents(directory + "/out/big") == bytes)
  }

  @Test func theSystemsTarReadsIt() async throws {
    let path = try pack("a.tgz", sample)
    let result = try await Launcher().run(
      ProcessSpecification("tar", ["-xzf", path, "-C", directory], environment: ["PATH": "/usr/bin:/bin"]))
    #expect(result.exit == .code(0), "\(result.errorText)")
    #expect(contents(directory + "/src/again") == Array("#!/bin/sh\n".utf8))
  }

  // MARK: Writing

  @Test func equalInputGivesEqualBytes() throws {
    let first = try pack("1.tgz", sample)
    let second = try pack("2.tgz", sample)
    let bytes = try #require(contents(first))
    #expect(bytes == contents(second))
    #expect(bytes[4..<8] == [0, 0, 0, 0], "gzip holds no time")
    #expect(try mode(first) == 0o600)
  }

  @Test func anUnfinishedArchiveIsRemoved() throws {
    do {
      let writer = try ArchiveWriter(to: directory + "/half.tgz")
      try writer.addFile("./a", bytes: [1])
      #expect(throws: ArchiveError.self) { try writer.addFile("./b", contentsOf: directory + "/none") }
    }
    #expect(!FileManager.default.fileExists(atPath: directory + "/half.tgz"))
  }

  @Test func aFullDiskIsAnError() {
    let error = #expect(throws: ArchiveError.self) {
      let writer = try ArchiveWriter(to: "/dev/full")
      try writer.addFile("./a", bytes: [1])
      try writer.finish()
    }
    #expect(error?.code == .cannotWrite)
  }

  // MARK: Refusals

  private func refusal(_ fill: (ArchiveWriter) throws -> Void) throws -> ArchiveError? {
    let path = try pack("a.tgz", fill)
    return #expect(throws: ArchiveError.self) {
      try ArchiveReader(file: path).extract(to: directory + "/out")
    }
  }

  @Test(arguments: ["/escape", "../escape", "./a/../../escape", "a/.."])
  func pathsThatLeadOutAreRefused(path: String) throws {
    #expect(try refusal { try $0.addFile(path, bytes: [1]) }?.code == .unsafeEntry)
    #expect(!FileManager.default.fileExists(atPath: directory + "/escape"))
  }

  @Test(arguments: [("l", "/etc"), ("l", ".."), ("a/l", "../../x"), ("a/l", "b/../../.."), ("l", "")])
  func linksThatLeadOutAreRefused(path: String, target: String) throws {
    #expect(try refusal { try $0.addLink(path, target: target) }?.code == .unsafeEntry)
  }

  @Test func nothingIsWrittenThroughALink() throws {
    try FileManager.default.createDirectory(atPath: directory + "/out", withIntermediateDirectories: true)
    try FileManager.default.createDirectory(
      atPath: directory + "/elsewhere", withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(
      atPath: directory + "/out/way", withDestinationPath: directory + "/elsewhere")
    #expect(try refusal { try $0.addFile("way/file", bytes: [1]) }?.code == .unsafeEntry)
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory + "/elsewhere").isEmpty)
  }

  @Test func aFileReplacesALinkInsteadOfFollowingIt() throws {
    try Data([7]).write(to: URL(fileURLWithPath: directory + "/victim"))
    try FileManager.default.createDirectory(atPath: directory + "/out", withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(
      atPath: directory + "/out/file", withDestinationPath: directory + "/victim")
    let path = try pack { try $0.addFile("file", bytes: [1]) }
    try ArchiveReader(file: path).extract(to: directory + "/out")
    #expect(contents(directory + "/victim") == [7])
    #expect(contents(directory + "/out/file") == [1])
  }

  @Test func tooMuchIsRefused() throws {
    let path = try pack { writer in
      for index in 0..<4 { try writer.addFile("./\(index)", bytes: .init(repeating: 0, count: 100_000)) }
    }
    for limits in [ExtractionLimits(bytes: 300_000), ExtractionLimits(entries: 3)] {
      let error = #expect(throws: ArchiveError.self) {
        try ArchiveReader(file: path).extract(to: directory + "/out", limits: limits)
      }
      #expect(error?.code == .tooLarge)
    }
  }

  @Test func damageIsFound() throws {
    let bytes = try #require(
      contents(
        pack { writer in
          try writer.addFile("./a", bytes: (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 7) })
        }))
    for damaged in [Array(bytes.prefix(bytes.count / 2)), Array("no archive at all".utf8), []] {
      let error = #expect(throws: ArchiveError.self) {
        try ArchiveReader(bytes: damaged).extract(to: directory + "/out")
      }
      #expect(error?.code == .damaged)
    }
    let missing = #expect(throws: ArchiveError.self) { try ArchiveReader(file: directory + "/none") }
    #expect(missing?.code == .cannotRead)
  }
}
