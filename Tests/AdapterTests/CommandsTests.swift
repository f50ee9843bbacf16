import Commands
import Concurrency
import Foundation
import Model
import Processes
import Testing

@Suite(.timeLimit(.minutes(5)))
struct CommandsTests {
  let scratch: Scratch
  let lines = Locked<[String]>([])

  init() throws { scratch = try Scratch("commands") }

  private func performer(_ extra: Set<String> = [], process: [String: String] = [:]) -> CommandPerformer {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
    return CommandPerformer(
      root: scratch.path,
      environment: CommandEnvironment(
        process: process.merging(["PATH": path]) { given, _ in given }, extra: extra)
    ) { $0.replacingOccurrences(of: "planted", with: "•••") }
  }

  private func step(
    _ command: [String], timeout: Duration = .seconds(20), repeatable: Bool = false
  ) -> Step {
    Step(
      id: "unit-tests", title: "unit tests",
      action: .command(
        CommandStep(name: "unit tests", command: command, timeout: timeout, repeatable: repeatable)),
      limit: timeout)
  }

  private func check(_ command: [String]) -> Step {
    Step(
      id: "check.smoke", title: "check smoke",
      action: .check(Check(name: "smoke", kind: .command(command)), addresses: [:]), limit: .seconds(60))
  }

  private func call() -> StepCall {
    let now = SystemClock().now
    let lines = lines
    return StepCall(
      run: RunFacts(
        id: RunID(7), release: 12, app: "shop", environment: "prod", commit: "c0ffee", startedAt: now),
      attempt: 1, beganAt: now, deadline: now + .seconds(60),
      report: { if case .log(let line) = $0 { lines.withLock { $0.append(line) } } })
  }

  private func failure(of outcome: Outcome) -> Failure? {
    guard case .failed(let failure, moved: false) = outcome else { return nil }
    return failure
  }

  @Test func aCommandRunsInTheProjectAndItsLinesAreReported() async throws {
    let outcome = await performer().perform(
      step(["sh", "-c", "pwd; echo error >&2; echo $SHIPIT_ENVIRONMENT $SHIPIT_RELEASE $SHIPIT_COMMIT"]),
      call())
    guard case .done(let result) = outcome else {
      Issue.record("\(outcome)")
      return
    }
    #expect(result.summary.contains("ended well"))
    #expect(lines.withLock { $0 }.filter { $0 != "error" } == [scratch.path, "prod 12 c0ffee"])
    #expect(lines.withLock { $0 }.contains("error"))
  }

  @Test func commandsSeeOnlyTheVariablesThatAreAllowed() async throws {
    let process = [
      "RAILWAY_API_TOKEN": "planted", "GITHUB_TOKEN": "planted", "ACTIONS_RUNTIME_TOKEN": "planted",
      "LD_PRELOAD": "", "LC_TIME": "C", "CI": "true", "GITHUB_SHA": "abc", "WANTED": "yes",
    ]
    _ = await performer(["WANTED"], process: process).perform(step(["env"]), call())
    let names = Set(lines.withLock { $0 }.compactMap { $0.split(separator: "=").first.map(String.init) })
    #expect(
      names == [
        "PATH", "LC_TIME", "CI", "GITHUB_SHA", "WANTED", "SHIPIT_ENVIRONMENT", "SHIPIT_RELEASE",
        "SHIPIT_COMMIT",
      ])
  }

  @Test func noShellReadsTheCommand() async throws {
    _ = await performer().perform(step(["echo", "$HOME; rm -rf *", "`id`"]), call())
    #expect(lines.withLock { $0 } == ["$HOME; rm -rf * `id`"])
  }

  @Test func aFailureTellsCodeLastLinesAndTheCommand() async throws {
    let script = "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14; do echo line $i planted; done; exit 3"
    let outcome = await performer().perform(step(["sh", "-c", script]), call())
    let failure = failure(of: outcome)
    #expect(failure?.kind == .failed)
    #expect(failure?.message.contains("unit tests ended with code 3") == true)
    #expect(failure?.place == "unit-tests")
    #expect(failure?.cause?.contains("line 14 •••") == true)
    #expect(failure?.cause?.contains("line 2 ") == false)
    #expect(failure?.hint?.contains("sh -c 'for i in") == true)
  }

  @Test func aCommandKilledByASignalFails() async throws {
    let outcome = await performer().perform(step(["sh", "-c", "kill -9 $$"]), call())
    #expect(failure(of: outcome)?.message.contains("signal 9") == true)
  }

  @Test func aCommandThatTakesTooLongIsStoppedWithItsChildren() async throws {
    let outcome = await performer().perform(
      step(["sh", "-c", "sleep 300 & echo $!; wait"], timeout: .milliseconds(300)), call())
    #expect(failure(of: outcome)?.kind == .timeout)
    #expect(failure(of: outcome)?.message.contains("0.3 s") == true)
    let child = try #require(lines.withLock { $0.first }.flatMap { Int32($0) })
    #expect(await ended(child))
  }

  /// True once no process of that id runs (a zombie has ended).
  private func ended(_ process: Int32) async -> Bool {
    for _ in 0..<200 {
      let status = (try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)) ?? ""
      if kill(process, 0) != 0 || status.contains(") Z ") { return true }
      try? await Task.sleep(for: .milliseconds(10))
    }
    return false
  }

  @Test(arguments: [
    (["no-such-program"], "install no-such-program"), (["npm test"], "[npm, test]"), ([], "names no program"),
  ]) func aProgramThatIsNotThereIsAMistakeOfTheFile(_ command: [String], _ text: String) async throws {
    let failure = failure(of: await performer().perform(step(command), call()))
    #expect(failure?.kind == .configuration)
    #expect(failure?.description.contains(text) == true, "\(failure?.description ?? "none")")
  }

  @Test func aFileThatIsNotExecutableIsNamed() async throws {
    try scratch.write("run.sh", "#!/bin/sh\n")
    let failure = failure(of: await performer().perform(step(["./run.sh"]), call()))
    #expect(failure?.hint?.contains("chmod +x ./run.sh") == true)
  }

  @Test func givingUpEndsTheWholeGroupBeforeItIsToldCancelled() async throws {
    let performer = performer()
    let step = step(["sh", "-c", "trap '' TERM; sleep 300 & echo $!; echo ready; wait; wait; sleep 300"])
    let call = call()
    let task = Task { await performer.perform(step, call) }
    while !lines.withLock({ $0.contains("ready") }) { try await Task.sleep(for: .milliseconds(5)) }
    task.cancel()
    let start = ContinuousClock.now
    #expect(await performer.abandon(step, call) == .cancelled)
    // Generous, for a busy machine; unstopped it would take minutes.
    #expect(ContinuousClock.now - start < .seconds(30))
    #expect(await task.value == .cancelled(moved: false))
    let child = try #require(lines.withLock { $0.first }.flatMap { Int32($0) })
    #expect(await ended(child))
  }

  @Test func givingUpWhatDoesNotRunIsDoneAtOnce() async throws {
    #expect(await performer().abandon(step(["true"]), call()) == .cancelled)
  }

  @Test func aCheckRunsItsCommand() async throws {
    let good = await performer().perform(check(["true"]), call())
    guard case .done = good else {
      Issue.record("\(good)")
      return
    }
    let failure = failure(of: await performer().perform(check(["false"]), call()))
    #expect(failure?.message.contains("check smoke ended with code 1") == true)
  }

  @Test func onlyWhatIsRepeatableRunsAgainAfterACrash() async throws {
    #expect(await performer().probe(step(["x"], repeatable: true), call()) == .absent)
    #expect(await performer().probe(check(["x"]), call()) == .absent)
    guard case .unknown(let failure) = await performer().probe(step(["x"]), call()) else {
      Issue.record("a command that is not repeatable must not be run again")
      return
    }
    #expect(failure.kind == .unknown)
    #expect(failure.message.contains("it is not known whether unit tests ended"))
    #expect(failure.hint?.contains("repeatable: true") == true)
  }
}
