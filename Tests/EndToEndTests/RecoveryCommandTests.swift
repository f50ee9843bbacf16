import Concurrency
import Foundation
import JSON
import Model
import Processes
import TestSupport
import Testing

/// The commands of whoever has to deal with somebody else's run: `cancel`, `settle`, `finish`, `unlock`.
@Suite(.serialized, .timeLimit(.minutes(10))) struct RecoveryCommandTests {
  /// A deploy that made its first deployment, whose gate never passes.
  private func holding(
    _ stage: SharedStage, _ output: Locked<[String]> = Locked([])
  ) async throws -> RunningProcess {
    try await stage.twin.control(
      "POST", "faults", ["deployment": "gate-never-passes", "service": "api", "count": 1])
    let commit = try await stage.ann.commit("held")
    try await stage.update()
    let process = try Launcher().start(
      ProcessSpecification(
        Checkout.binary, ["deploy", "demo", "--yes"],
        environment: stage.ann.variables.merging(stage.variables) { $1 }, directory: stage.ann.path)
    ) { line in output.withLock { $0.append(line.text) } }
    while try await stage.made(of: commit).isEmpty { try await Task.sleep(for: .milliseconds(50)) }
    return process
  }

  @Test(arguments: SharedStage.Place.allCases)
  func aRunIsCancelledFromAnotherMachineAndSettledThere(_ place: SharedStage.Place) async throws {
    try await SharedStage.with(
      place, change: { try $0.change("environments/demo.yaml", "within: 4s", "within: 90s") }
    ) { stage in
      let nobody = try await stage.shipit(stage.bo, "cancel", "demo")
      #expect(nobody.code == 0 && nobody.output.contains("nothing to cancel"), "\(nobody.text)")
      let none = try await stage.shipit(stage.bo, "settle", "demo")
      #expect(none.code == 0 && none.output.contains("nothing to settle"), "\(none.text)")

      let idle = try await stage.shipit(stage.bo, "unlock", "demo")
      #expect(idle.code == 0 && idle.output.contains("nobody holds demo"), "\(idle.text)")

      let output = Locked<[String]>([])
      let process = try await holding(stage, output)
      // Somebody on call blocks the next deploy while this one runs, and takes nothing from it.
      let hold = try await stage.shipit(stage.bo, "hold", "demo", "--reason", "look first", "--json")
      let document = try JSON(parsing: Array(hold.output.utf8))
      #expect(hold.code == 0 && document["text"] == "demo is on hold: look first", "\(hold.text)")
      #expect(document["next"] == "shipit unhold demo, to lift it")
      let lifted = try await stage.shipit(stage.bo, "unhold", "demo")
      #expect(lifted.code == 0 && lifted.output.contains("look first"), "\(lifted.text)")
      let free = try await stage.shipit(stage.bo, "settle", "demo")
      #expect(free.code == 5, "\(free.text)")
      // Somebody at work beside this job is left alone.
      let other = try await stage.shipit(stage.bo, "finish", "demo", "--within", "3s")
      #expect(other.code == 0 && other.output.contains("is at work on it"), "\(other.text)")
      let refused = try await stage.shipit(stage.bo, "unlock", "demo", "--yes")
      #expect(refused.code == 5 && refused.output.contains("so it lives"), "\(refused.text)")
      #expect(refused.output.contains("ann@"), "\(refused.text)")
      let unasked = try await stage.shipit(stage.bo, "unlock", "demo")
      #expect(unasked.code == 2 && unasked.errorOutput.contains("--yes"), "\(unasked.text)")

      let cancelled = try await stage.shipit(stage.bo, "cancel", "demo", "--reason", "wrong branch")
      #expect(cancelled.code == 0, "\(cancelled.text)")
      #expect(cancelled.errorOutput.contains("waiting up to"), "\(cancelled.text)")
      #expect(cancelled.output.contains("gave demo back"), "\(cancelled.text)")
      let exit = await process.wait()
      let said = output.withLock { $0.joined(separator: "\n") }
      #expect([ProcessExit.code(130), .code(8)].contains(exit), "\(exit) \(said)")
      #expect(said.contains("bo@") && said.contains("wrong branch"), "\(said)")
      let why = try await stage.shipit(stage.bo, "why", "demo")
      #expect(why.output.contains("asked to cancel: wrong branch"), "\(why.text)")

      let settled = try await stage.shipit(stage.bo, "settle", "demo", "--json")
      let report = try JSON(parsing: Array((settled.output.split(separator: "\n").last ?? "").utf8))
      #expect(report["kind"]?.string == "settle", "\(settled.text)")
      #expect(["abandoned", "nothing"].contains(report["outcome"]?.string), "\(settled.text)")
      #expect(settled.code == 0, "\(settled.text)")
      let again = try await stage.shipit(stage.bo, "deploy", "demo", "--yes")
      #expect(again.code == 0, "\(again.text)")
    }
  }

  @Test func aJobThatWasKilledIsFinishedByItselfAndByNobodyElse() async throws {
    try await SharedStage.with(
      .git, change: { try $0.change("environments/demo.yaml", "within: 4s", "within: 90s") }
    ) { stage in
      let idle = try await stage.shipit(stage.ann, "finish", "demo")
      #expect(idle.code == 0 && idle.output.contains("nothing to settle"), "\(idle.text)")
      let process = try await holding(stage)
      _ = await process.stop(StopLadder([]))
      // The same machine: that the process is gone is certain, so nobody waits for its lease.
      let finished = try await stage.shipit(stage.ann, "finish", "demo", "--within", "60s")
      #expect(finished.code == 0, "\(finished.text)")
      #expect(finished.output.contains("is freed: its process is gone"), "\(finished.text)")
      #expect(finished.output.contains("abandoned"), "\(finished.text)")
      let status = try await stage.status(stage.bo)
      #expect(status["running"]?["run"] == nil && status["lease"]?["holder"] == nil, "\(status.serialized())")
      // Somebody else's interrupted run is theirs.
      let second = try await holding(stage)
      second.signal(15)
      _ = await second.wait()
      let foreign = try await stage.shipit(stage.bo, "finish", "demo")
      #expect(foreign.code == 0, "\(foreign.text)")
      #expect(foreign.output.contains("was begun by ann@"), "\(foreign.text)")
      #expect(foreign.output.contains("shipit settle"), "\(foreign.text)")
      let settled = try await stage.shipit(stage.bo, "settle", "demo")
      #expect(settled.code == 0 && settled.output.contains("abandoned"), "\(settled.text)")
      #expect(try await stage.shipit(stage.bo, "deploy", "demo", "--yes").code == 0)
    }
  }

  @Test func aHolderThatHangsIsUnlockedAndFencedOut() async throws {
    try await SharedStage.with(
      .postgres, change: { try $0.change("environments/demo.yaml", "within: 4s", "within: 90s") }
    ) { stage in
      let output = Locked<[String]>([])
      let process = try await holding(stage, output)
      let forced = try await stage.shipit(stage.bo, "unlock", "demo", "--yes", "--force")
      #expect(forced.code == 0, "\(forced.text)")
      for words in ["is free", "fenced out", "shipit settle demo"] {
        #expect(forced.output.contains(words), "\(forced.text)")
      }
      #expect(forced.errorOutput.contains("last seen"), "\(forced.text)")
      #expect(await process.wait() == .code(6), "\(output.withLock { $0.joined(separator: "\n") })")
      let free = try await stage.shipit(stage.bo, "unlock", "demo", "--yes")
      #expect(free.code == 0 && free.output.contains("nobody holds demo"), "\(free.text)")
      let settled = try await stage.shipit(stage.bo, "settle", "demo")
      #expect(settled.code == 0 && settled.output.contains("abandoned"), "\(settled.text)")
      #expect(try await stage.shipit(stage.bo, "deploy", "demo", "--yes").code == 0)
    }
  }
}
