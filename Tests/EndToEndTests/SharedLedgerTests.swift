import Foundation
import Processes
import TestSupport
import Testing

/// Two people with a clone each, one environment, and the ledger on the remote they share.
@Suite(.timeLimit(.minutes(3)))
struct SharedLedgerTests {
  @Test func whatOneDeploysAnotherSeesAndRollsBackFromAnotherClone() async throws {
    let ann = try await GitProject()
    try ann.change("environments/demo.yaml", "state: local", "state: git")
    let first = try await ann.commit("a shared ledger")
    let twin = try await TwinProcess.start(for: ann)
    let before = try await ann.shipit("deploy", "demo", "--yes", variables: twin.variables)
    // Without a remote there is nowhere to keep it, and nothing is started.
    #expect(before.code == 2, "\(before.text)")
    #expect(before.text.contains("git remote add origin"), "\(before.text)")

    let remote = ann.scratch.path + "/remote.git"
    try await ann.git("init", "-q", "--bare", remote)
    try await ann.git("remote", "add", "origin", remote)
    try await ann.git("push", "-q", "origin", "main")
    var result = try await ann.shipit("deploy", "demo", "--yes", variables: twin.variables)
    #expect(result.code == 0, "\(result.text)")
    try ann.change("environments/demo.yaml", "GREETING: hello", "GREETING: hi")
    let second = try await ann.commit("second")
    try await ann.git("push", "-q", "origin", "main")
    result = try await ann.shipit("deploy", "demo", "--yes", variables: twin.variables)
    #expect(result.code == 0, "\(result.text)")

    // Bo has nothing but a clone.
    var bo = try await GitProject()
    bo.variables["USER"] = "bo"
    try await bo.git("remote", "add", "origin", remote)
    try await bo.git("fetch", "-q", "origin")
    try await bo.git("reset", "-q", "--hard", "origin/main")
    result = try await bo.shipit("history", "demo", "--json")
    #expect(result.code == 0, "\(result.text)")
    #expect(result.output.contains(first) && result.output.contains(second), "\(result.text)")
    result = try await bo.shipit("rollback", "demo", "--yes", variables: twin.variables)
    #expect(result.code == 0, "\(result.text)")

    // Ann sees what Bo did, and his hold keeps her deploy back.
    result = try await ann.shipit("status", "demo", variables: twin.variables)
    #expect(result.text.contains("bo@") && result.text.contains("hold"), "\(result.text)")
    result = try await ann.shipit("deploy", "demo", "--yes", variables: twin.variables)
    #expect(result.code == 12, "\(result.text)")
    result = try await ann.shipit("doctor", "demo", variables: twin.variables)
    #expect(result.text.contains("refs/shipit/demo of the remote origin"), "\(result.text)")

    try FileManager.default.moveItem(atPath: remote, toPath: remote + ".away")
    result = try await ann.shipit("unhold", "demo")
    #expect(result.code == 7, "\(result.text)")
    #expect(result.text.contains("cannot be reached"), "\(result.text)")
    let log = try await ann.git("--git-dir", remote + ".away", "log", "-p", "--format=%B", "refs/shipit/demo")
    #expect(!log.contains("planted-Secret"))
    #expect(try await ann.git("status", "--porcelain") == "")
    await twin.stop()
  }
}
