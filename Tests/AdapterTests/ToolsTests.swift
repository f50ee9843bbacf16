import Commands
import Foundation
import Model
import Processes
import Testing

/// Which programs of this machine an environment needs, and whether they are there.
@Suite(.timeLimit(.minutes(5))) struct ToolsTests {
  /// A directory with programs that print their version; removed by the test that made it.
  private func programs(_ texts: [String: String]) throws -> URL {
    let directory = FileManager.default.temporaryDirectory.appending(
      path: "shipit-tools-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    for (name, text) in texts {
      let file = directory.appending(path: name)
      try "#!/bin/sh\n\(text)\n".write(to: file, atomically: true, encoding: .utf8)
      try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: file.path)
    }
    return directory
  }

  private func environment(_ source: ServiceSource) -> Environment {
    Environment(name: "prod", app: "shop", services: [Service(key: "web", source: source)])
  }

  @Test func whatNothingAsksForIsNotNeeded() async {
    let found = await Tools(launcher: Launcher(), process: ["PATH": "/nowhere"]).examine(
      environment(.repository("shop/web")), isRepository: false)
    #expect(found.map(\.subject) == ["git", "vercel", "encore", "docker"])
    #expect(found.allSatisfy { $0.verdict == .skipped && $0.detail == "not needed" })
  }

  @Test func whatIsNeededTellsItsVersionAndSeesNoSecret() async throws {
    let directory = try programs([
      "git": "echo git version 2.47.3", "vercel": "echo Vercel CLI >&2; echo 48.1.0 ${VERCEL_TOKEN:-without}",
    ])
    defer { try? FileManager.default.removeItem(at: directory) }
    let found = await Tools(
      launcher: Launcher(), process: ["PATH": directory.path, "VERCEL_TOKEN": "planted"]
    ).examine(environment(.commandLineBuild(path: ".", root: nil, include: [])), isRepository: true)
    #expect(found[0].verdict == .good && found[0].detail.hasPrefix("git version 2.47.3 ("))
    #expect(found[1].verdict == .good && found[1].detail.hasPrefix("48.1.0 without ("))
  }

  @Test func whatIsNeededAndMissingIsAMatterOfConfiguration() async {
    let found = await Tools(launcher: Launcher(), process: ["PATH": "/nowhere"]).examine(
      environment(.encoreImage(path: ".", image: Template(text: "shop/web:1"), configuration: nil)),
      isRepository: false)
    for examination in found.suffix(2) {
      #expect(examination.verdict == .bad && examination.because == .configuration)
      #expect(examination.detail.contains("services.web.source"))
      #expect(examination.hint != nil)
    }
  }
}
