import Foundation
import JSON
import Model
import Processes
import TestSupport
import Testing

/// A ledger that moves to another place, and one that cannot be reached.
@Suite(.serialized, .timeLimit(.minutes(10))) struct LedgerPlaceTests {
  @Test func aLedgerMovesWithItsHistoryAndTheOldPlaceSaysWhere() async throws {
    var project = try await GitProject()
    try await project.publish()
    try project.change("environments/demo.yaml", "state: local", "state: local  # one laptop")
    try project.change("environments/demo.yaml", "within: 4s", "within: 30s")
    let commit = try await project.commit("first")
    let twin = try await TwinProcess.start(for: project)
    let variables = twin.variables
    do {
      func shipit(_ arguments: String...) async throws -> ShipitResult {
        try await project.shipit(arguments, variables: variables)
      }
      #expect(try await shipit("deploy", "demo", "--yes").code == 0)
      for (target, words) in [("sqlite", "cannot be moved to"), ("postgres:", "postgres:SECRET")] {
        let refused = try await shipit("state", "move", "demo", target)
        #expect(refused.code == 2 && refused.errorOutput.contains(words), "\(refused.text)")
      }
      #expect(try await shipit("state", "mvoe", "demo", "git").code == 2)
      #expect(try await shipit("state", "move", "demo", "local").output.contains("already"))

      let moved = try await shipit("state", "move", "demo", "git")
      #expect(moved.code == 0, "\(moved.text)")
      #expect(moved.output.contains("- state: local  # one laptop"), "\(moved.text)")
      #expect(moved.output.contains("+ state: git  # one laptop"), "\(moved.text)")
      // The file still names the old place.
      for command in [
        ["status", "demo"], ["history", "demo"], ["deploy", "demo", "--yes"], ["hold", "demo"],
      ] {
        let told = try await project.shipit(command, variables: variables)
        #expect(told.code == 2, "\(command): \(told.text)")
        #expect(told.text.contains("write `state: git`"), "\(command): \(told.text)")
      }
      let written = try await shipit("state", "move", "demo", "git", "--write")
      #expect(written.code == 0 && written.output.contains("moved to `state: git` before"), "\(written.text)")
      let text = try project.scratch.read("project/environments/demo.yaml")
      #expect(text.contains("\nstate: git  # one laptop\n"), "\(text)")
      let history = try await shipit("history", "demo", "--json")
      #expect(history.code == 0 && history.output.contains(commit), "\(history.text)")
      // The key of fingerprints went along: equal secrets are recognised, and only what changed is planned.
      try project.change("environments/demo.yaml", "GREETING: hello", "GREETING: hi")
      try await project.commit("moved")
      let plan = try await shipit("plan", "demo")
      #expect(plan.code == 0, "\(plan.text)")
      #expect(plan.text.contains("GREETING") && !plan.text.contains("API_KEY"), "\(plan.text)")
    } catch {
      await twin.stop()
      throw error
    }
    await twin.stop()
  }

  @Test func theWayBackDoesWithoutALedgerThatIsDown() async throws {
    try await SharedStage.with(.git) { stage in
      let first = try await stage.ann.git("rev-parse", "HEAD")
      #expect(try await stage.shipit(stage.ann, "deploy", "demo", "--yes").code == 0)
      try await stage.ann.commit("second")
      #expect(try await stage.shipit(stage.ann, "deploy", "demo", "--yes").code == 0)
      let origin = stage.ann.origin ?? ""
      try FileManager.default.moveItem(atPath: origin, toPath: origin + ".away")
      let back = try await stage.shipit(stage.ann, "rollback", "demo", "--without-ledger", "--yes")
      #expect(back.code == 0, "\(back.text)")
      #expect(back.text.contains(first.prefix(7)) && back.text.contains("nobody else was kept out"))
    }
  }

  @Test func helpAndCompletionsKnowTheCommands() async throws {
    let project = try await GitProject()
    for command in ["cancel", "settle", "finish", "unlock", "state"] {
      let help = try await project.shipit(command, "--help")
      #expect(help.code == 0 && help.output.contains("examples:\n  shipit \(command)"), "\(help.text)")
    }
    let script = try await project.shipit("completions", "bash").output
    try project.scratch.write(
      script + """
        COMP_WORDS=(shipit state move "") COMP_CWORD=3; _shipit; echo "at 3: ${COMPREPLY[*]}"
        COMP_WORDS=(shipit state move demo "") COMP_CWORD=4; _shipit; echo "at 4: ${COMPREPLY[*]}"
        COMP_WORDS=(shipit can) COMP_CWORD=1; _shipit; echo "at 1: ${COMPREPLY[*]}"
        """, to: "complete.sh")
    let result = try await Launcher().run(
      ProcessSpecification(
        "bash", [project.scratch.path + "/complete.sh"], environment: project.variables,
        directory: project.path))
    let lines = result.text.split(separator: "\n")
    #expect(lines.first?.contains(" demo") == true, "\(result.text)")
    #expect(lines.dropFirst().first?.contains(" local git postgres:") == true, "\(result.text)")
    #expect(lines.last == "at 1: cancel", "\(result.text)")
  }

  @Test(arguments: SharedStage.Place.allCases)
  func withoutItsLedgerNothingIsStarted(_ place: SharedStage.Place) async throws {
    try await SharedStage.with(place) { stage in
      var variables = stage.variables
      switch place {
      case .git:
        try FileManager.default.moveItem(
          atPath: stage.ann.origin ?? "", toPath: (stage.ann.origin ?? "") + ".away")
      case .postgres: variables["LEDGER_URL"] = "postgres://shipit:planted-pass@127.0.0.1:9/ledger"
      }
      for (command, code) in [
        ("deploy", 7), ("rollback", 10), ("status", 7), ("cancel", 7), ("settle", 7), ("finish", 7),
      ] as [(String, Int32)] {
        let yes = ["deploy", "rollback"].contains(command) ? ["--yes"] : []
        let result = try await stage.ann.shipit([command, "demo"] + yes, variables: variables)
        #expect(result.code == code, "\(command): \(result.code) \(result.text)")
        #expect(result.text.contains("cannot be reached"), "\(command): \(result.text)")
        #expect(result.text.contains("nothing is started without the lease"), "\(command): \(result.text)")
        #expect(result.text.contains("shipit rollback demo --without-ledger"), "\(command): \(result.text)")
        #expect(!result.text.contains("planted-pass"), "\(command): \(result.text)")
      }
      let requests = try await stage.twin.control("GET", "state")["deployments"]?.array ?? []
      #expect(requests.allSatisfy { $0["trigger"]?.string != "upload" }, "something was started")
    }
  }
}
