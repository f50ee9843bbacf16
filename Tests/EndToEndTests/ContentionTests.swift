import Concurrency
import Foundation
import JSON
import Processes
import TestSupport
import Testing

/// Two real processes and one ledger (promise 3).
@Suite(.timeLimit(.minutes(5))) struct ContentionTests {
  @Test func aSecondProcessIsToldWhoHoldsItAndADeadHolderHoldsNobodyUp() async throws {
    let project = try await GitProject()
    let twin = try await TwinProcess.start(for: project)
    do {
      let commit = try await project.commit("contended")
      // The first waits for its gate, which is slow to answer.
      try await twin.control(
        "POST", "faults", ["deployment": "gate-never-passes", "service": "api", "count": 1])
      let first = try await holding(project, twin)
      for command in [["deploy", "demo", "--yes"], ["rollback", "demo", "--yes"]] {
        let second = try await project.shipit(command, variables: twin.variables)
        #expect(second.code == 5, "\(command): \(second.code) \(second.text)")
        #expect(second.text.contains("ann@"), "\(command) does not say who: \(second.text)")
      }
      // Nobody else has touched anything.
      #expect(try await made(of: commit, twin) == 1)
      // SIGKILL: the next one does not wait for the lease to run out.
      _ = await first.stop(StopLadder([StopLadder.Rung(signal: 9, wait: .seconds(5))]))
      let began = ContinuousClock.now
      let third = try await project.shipit("status", "demo", "--json", "--offline", variables: twin.variables)
      #expect(try JSON(parsing: Array(third.output.utf8))["truth"]?.string == "in-flight", "\(third.text)")
      let fourth = try await project.shipit("deploy", "demo", "--yes", variables: twin.variables)
      #expect(fourth.code == 8, "\(fourth.text)")
      print("taken over and ended in \(ContinuousClock.now - began)")
      let fifth = try await project.shipit("deploy", "demo", "--yes", variables: twin.variables)
      #expect(fifth.code == 0, "\(fifth.text)")
    } catch {
      await twin.stop()
      throw error
    }
    await twin.stop()
  }

  /// Many begin at the same moment: one gets it, and the others say so and change nothing.
  @Test func ofManyAtOnceOneDeploys() async throws {
    let project = try await GitProject()
    let twin = try await TwinProcess.start(for: project)
    do {
      let commit = try await project.commit("raced")
      let codes = try await withThrowingTaskGroup(of: Int32.self) { group in
        for _ in 0..<4 {
          group.addTask {
            try await project.shipit("deploy", "demo", "--yes", variables: twin.variables).code
          }
        }
        return try await group.reduce(into: [Int32]()) { $0.append($1) }
      }
      #expect(codes.contains(0) && codes.allSatisfy { $0 == 0 || $0 == 5 }, "\(codes)")
      #expect(try await made(of: commit, twin) == 2, "one deployment for each service")
    } catch {
      await twin.stop()
      throw error
    }
    await twin.stop()
  }

  /// A deploy that has made its first deployment and holds the environment.
  private func holding(_ project: GitProject, _ twin: TwinProcess) async throws -> RunningProcess {
    let process = try Launcher().start(
      ProcessSpecification(
        Checkout.binary, ["deploy", "demo", "--yes"],
        environment: project.variables.merging(twin.variables) { $1 }, directory: project.path)
    ) { _ in }
    while true {
      let deployments = try await twin.control("GET", "state")["deployments"]?.array ?? []
      if !deployments.isEmpty { return process }
      try await Task.sleep(for: .milliseconds(20))
    }
  }

  private func made(of commit: String, _ twin: TwinProcess) async throws -> Int {
    let deployments = try await twin.control("GET", "state")["deployments"]?.array ?? []
    return deployments.count { $0["message"]?.string?.contains(commit) ?? false }
  }
}
