import Foundation
import JSON
import Processes
import TestSupport
import Testing

/// shipit cancelled the way a runner of GitHub Actions cancels a job: SIGINT to the entry process, SIGTERM 7.5 s
/// later, SIGKILL 2.5 s after that (promises 4 and 7).
///
/// A sample in `make test`, 200 random moments with `SHIPIT_LONG=1`. The ladder is played by a program beside the
/// contracts; without it these tests say so and end.
@Suite(.serialized, .timeLimit(.minutes(Checkout.isLong ? 120 : 10))) struct CancelLadderTests {
  /// The program that plays the ladder; nil when it is not at hand.
  private static let ladder: String? = {
    let contracts = ProcessInfo.processInfo.environment["SHIPIT_CONTRACTS"]
    let shared = contracts.map { ($0 as NSString).deletingLastPathComponent } ?? Checkout.root + "/../shared"
    let path = shared + "/tools/cancel-ladder.py"
    guard FileManager.default.fileExists(atPath: path) else {
      print("SKIPPED the ladder of signals: there is no \(path)")
      return nil
    }
    return path
  }()

  /// What the ladder told of one cancelled command.
  private struct Ended {
    /// Since the first signal; nil when it had ended before.
    var after: Double?
    var code: Int32
    var text: String
  }

  @Test func aStepThatIsItsOwnEntryProcessEndsInTime() async throws {
    guard let ladder = Self.ladder else { return }
    try await KillStage.with { stage in
      try patient(stage)
      var live = try await stage.deploy("first", expecting: 0)
      var random = SystemRandomNumberGenerator()
      var slowest = 0.0
      for round in 1...(Checkout.isLong ? 200 : 2) {
        let commit = try await stage.commit("round \(round)")
        // From the start of the process to a little past the end of an undisturbed deploy.
        let moment = Double.random(in: 0.2...4.5, using: &random)
        let ended = try await play(ladder, stage, after: moment, "exec \(Checkout.binary) deploy demo --yes")
        if let after = ended.after {
          slowest = max(slowest, after)
          // The bound is promised; on a machine that does other things too a sample only shows that no further
          // signal was needed.
          #expect(
            after <= (Checkout.isLong ? 6.5 : 7.5), "at \(moment) s: out after \(after) s\n\(ended.text)")
          // -2: the signal came before the program listened, and so before it did anything.
          #expect([0, 8, 130, -2].contains(ended.code), "at \(moment) s: \(ended.code)\n\(ended.text)")
        }
        live = try await judge(stage, round, moment, commit, live, ended)
      }
      print("the slowest was out \(slowest) s after the first signal")
    }
  }

  /// A shell in between keeps the signals to itself: nothing asks shipit to stop, and the clean-up of the job kills
  /// it. The lease frees itself, and the next run settles what it left.
  @Test func aStepBehindAShellFreesItsLeaseAndIsSettled() async throws {
    guard let ladder = Self.ladder else { return }
    try await KillStage.with { stage in
      try patient(stage)
      var live = try await stage.deploy("first", expecting: 0)
      // So that it still goes on when the shell is killed.
      try stage.project.change("environments/demo.yaml", "soak: 1s", "soak: 10s")
      for round in 1...(Checkout.isLong ? 10 : 1) {
        let commit = try await stage.commit("behind a shell \(round)")
        let ended = try await play(
          ladder, stage, after: 1, "\(Checkout.binary) deploy demo --yes\necho not reached")
        #expect(ended.code == -15 || ended.code == -9, "\(ended.code) \(ended.text)")
        // Whoever started the step kills what is left of it, as a runner does at the end of a job.
        #expect(try await stage.status(offline: true)["truth"]?.string == "in-flight", "\(ended.text)")
        live = try await judge(stage, round, 1, commit, live, ended)
      }
    }
  }

  /// A gate that a busy machine passes too.
  private func patient(_ stage: KillStage) throws {
    try stage.project.change("environments/demo.yaml", "within: 3s", "within: 30s")
  }

  /// Whatever the moment: the lease is free, the state is told, and the next run brings the commit live with one
  /// deployment for each service.
  private func judge(
    _ stage: KillStage, _ round: Int, _ moment: Double, _ commit: String, _ live: String, _ ended: Ended
  ) async throws -> String {
    let place = "round \(round), at \(moment) s, code \(ended.code)"
    let status = try await stage.status(offline: true)
    #expect(status["lease"]?["holder"] == nil, "\(place): \(status.serialized())")
    let truth = status["truth"]?.string ?? ""
    #expect(["released", "previous", "in-flight"].contains(truth), "\(place): \(status.serialized())")
    if truth == "released" {
      let recorded = status["release"]?["commit"]?.string ?? ""
      #expect([live, commit].contains(recorded), "\(place): \(status.serialized())")
      #expect(try await stage.serves(recorded), "\(place): status says \(recorded) is live")
    }
    let known = try await stage.deployments().filter { $0.message.contains(commit) }
    var again = try await stage.shipit("deploy")
    if again.code == 8 { again = try await stage.shipit("deploy") }
    #expect(again.code == 0, "\(place), then run again: \(again.text)")
    #expect(try await stage.serves(commit), "\(place): the commit is not live at the end")
    // What had been cancelled on the platform is made once more; what went on is not.
    let made = try await stage.deployments().filter { $0.message.contains(commit) }
    let cancelled = Set(known.filter { $0.status != "SUCCESS" }.map(\.id))
    let kept = Dictionary(
      grouping: made.filter { !cancelled.contains($0.id) || $0.status == "SUCCESS" }, by: \.service)
    #expect(kept.mapValues(\.count) == ["api": 1, "web": 1], "\(place): \(made)")
    return commit
  }

  private func play(
    _ ladder: String, _ stage: KillStage, after seconds: Double, _ script: String
  ) async throws -> Ended {
    let file = stage.project.scratch.path + "/step.sh"
    try stage.project.scratch.write(script + "\n", to: "step.sh")
    let result = try await Launcher().run(
      ProcessSpecification(
        "python3", [ladder, "\(seconds)", file],
        environment: stage.project.variables.merging(stage.twin.variables) { $1 },
        directory: stage.project.path),
      timeout: .seconds(60))
    let text = result.text + result.errorText
    if let match = text.firstMatch(of: #/ended ([0-9.]+) s after the cancel, by \w+, code (-?\d+)/#) {
      return Ended(after: Double(match.1), code: Int32(match.2) ?? 1, text: text)
    }
    let match = try #require(text.firstMatch(of: #/ended before the cancel, code (-?\d+)/#), "\(text)")
    return Ended(after: nil, code: Int32(match.1) ?? 1, text: text)
  }
}
