import Concurrency
import Foundation
import Model
import Processes
import Testing

@testable import Ledgers

/// Remotes that are down, refuse, lie or break off, and ledgers that are not ours.
@Suite(.timeLimit(.minutes(5)))
struct GitLedgerFaultTests {
  let clock = StillClock()
  let world: GitLedgerWorld

  init() async throws { world = try await GitLedgerWorld() }

  private func refusal(_ body: () async throws -> Void, _ kind: Failure.Kind, _ parts: [String]) async {
    let refusal = await failure(body)
    #expect(refusal?.kind == kind)
    #expect(refusal?.hint?.isEmpty == false)
    let text = "\(refusal?.description ?? "") \(refusal?.place ?? "")"
    for part in parts { #expect(text.contains(part), "\(part) is missing in: \(text)") }
  }

  // MARK: The remote

  @Test func aRemoteThatIsDownIsSaidAndNothingIsStarted() async throws {
    let machine = try await world.machine("ours", url: "http://ann:planted-Token@127.0.0.1:9/shop.git")
    let ledger = try await world.ledger(machine, time: clock)
    let error = await failure { try await ledger.acquire(holder: Sample.holder("ann")) }
    #expect(error?.kind == .failed)
    let text = "\(error?.description ?? "") \(error?.place ?? "")"
    for part in ["origin", "127.0.0.1:9/shop.git", "nothing is started", "--without-ledger"] {
      #expect(text.contains(part), "\(part) is missing in: \(text)")
    }
    #expect(!text.contains("planted"))
    // The machine's own journal is free again.
    let local = try await LocalLedger.open(
      LedgerFile(root: machine, environment: "prod", folder: "git"), environment: "prod", time: clock,
      timing: LeaseTiming())
    #expect(try await local.holder() == nil)
  }

  @Test func aRemoteThatGoesDownDuringARunIsAskedAgainUntilTheLeaseIsInDoubt() async throws {
    let ledger = try await world.ledger(try await world.machine("ours"), time: clock)
    let lease = try await ledger.acquire(holder: Sample.holder("ann"))
    try FileManager.default.moveItem(atPath: world.remote, toPath: world.remote + ".away")
    #expect(await failure { try await ledger.renew(lease) }?.kind == .failed)
    let start = clock.now
    #expect(await failure { try await ledger.markBad("c0ffee", release: 1, lease: lease) }?.kind == .failed)
    #expect(clock.now - start >= .seconds(60) && clock.now - start < .seconds(63))
    try FileManager.default.moveItem(atPath: world.remote + ".away", toPath: world.remote)
    try await ledger.markBad("c0ffee", release: 1, lease: lease)
    #expect(try await ledger.badCommits() == ["c0ffee": 1])
  }

  @Test func aRemoteThatRefusesTheCommitSaysWhatToAllow() async throws {
    try hook("pre-receive", "echo 'no refs but heads here'; exit 1")
    let ledger = try await world.ledger(try await world.machine("ours"), time: clock)
    await refusal(
      { _ = try await ledger.acquire(holder: Sample.holder("ann")) }, .authentication,
      ["does not accept", "pre-receive hook declined", "refs/shipit/prod", "contents: write"])
  }

  @Test func aPushWhoseAnswerIsLostIsRecognised() async throws {
    let machine = try await world.machine("ours")
    let ledger = try await world.ledger(machine, time: clock)
    let lease = try await ledger.acquire(holder: Sample.holder("ann"))
    // The reference has moved; the server dies before it says so.
    try hook("post-receive", "rm -f hooks/post-receive; kill -9 $PPID")
    let run = try await ledger.open(Sample.plan(), by: "ann", at: clock.now, lease: lease)
    #expect(!FileManager.default.fileExists(atPath: world.remote + "/hooks/post-receive"))
    #expect(run.id == RunID(1))
    #expect(try await ledger.runs(limit: 9) == [run])
    try hook("post-receive", "rm -f hooks/post-receive; kill -9 $PPID")
    try await ledger.close(run.id, result: Sample.result(), release: nil, lease: lease)
    #expect(try await ledger.openRun() == nil)
  }

  private func hook(_ name: String, _ script: String) throws {
    let path = world.remote + "/hooks/" + name
    try FileManager.default.createDirectory(
      atPath: world.remote + "/hooks", withIntermediateDirectories: true)
    try "#!/bin/sh\n\(script)\n".write(toFile: path, atomically: false, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
  }

  // MARK: The project

  @Test func aProjectWithoutRepositoryOrRemoteIsToldWhatToDo() async throws {
    let bare = try Scratch("no-repository")
    await refusal(
      { _ = try await world.ledger(bare.path, time: clock) }, .configuration, [bare.path, "state: local"])
    let path = world.scratch.path + "/alone"
    try await world.git(["init", "--quiet", path])
    await refusal(
      { _ = try await world.ledger(path, time: clock) }, .configuration,
      ["origin", "git remote add origin", "state: local"])
  }

  @Test func theRemoteOfPushesIsTheLedgers() async throws {
    let machine = try await world.machine("ours", url: "file:///nowhere")
    try await world.git(["-C", machine, "config", "remote.origin.pushurl", "../remote.git"])
    let ledger = try await world.ledger(machine, time: clock)
    _ = try await ledger.acquire(holder: Sample.holder("ann"))
    #expect(try await world.commits() == 1)
  }

  // MARK: Ledgers that are not ours

  @Test func theLedgerOfAnotherApplicationIsRefused() async throws {
    let machine = try await world.machine("ours")
    _ = try await world.ledger(machine, time: clock).fingerprintKey()
    let other = try await world.ledger(machine, time: clock, app: "blog")
    await refusal(
      { _ = try await other.releases(limit: 1) }, .configuration,
      ["refs/shipit/prod", "prod of shop", "blog", "another environment name"])
  }

  @Test func aLedgerOfANewerShipitAndADamagedOneAreRefused() async throws {
    let machine = try await world.machine("ours")
    _ = try await world.ledger(machine, time: clock).fingerprintKey()
    let head = try await world.show("head.json")
    try await replaceHead(head.replacingOccurrences(of: "\"version\":1", with: "\"version\":3"))
    await refusal(
      { _ = try await world.ledger(machine, time: clock).acquire(holder: Sample.holder("ann")) }, .failed,
      ["newer shipit", "version 3", "nothing was touched"])
    try await replaceHead("{\"version\": 1")
    await refusal(
      { _ = try await world.ledger(machine, time: clock).hold() }, .failed,
      ["head.json", "cannot be read", "git show FETCH_HEAD:head.json"])
  }

  private func replaceHead(_ text: String) async throws {
    let stream = """
      commit refs/shipit/prod
      committer x <x> 1800000000 +0000
      data 0
      from refs/shipit/prod^0
      M 100644 inline head.json
      data \(text.utf8.count)
      \(text)

      """
    try await world.git(["-C", world.remote, "fast-import", "--quiet"], input: stream)
  }

  @Test func releasesBeyondTheHeadsAreRead() async throws {
    var head = GitHead(app: "shop", environment: "prod")
    var files = ""
    for number in 1...60 {
      let run = RunRecord(
        id: RunID(number), release: number, plan: Sample.plan("c\(number)"), by: "ann", startedAt: clock.now)
      let release = Sample.release(of: run, endedAt: clock.now)
      head.add(release)
      head.lastRun = number
      head.lastRelease = number
      let record = try text(of: release)
      files += "M 100644 inline \(GitPath.release(number))\ndata \(record.utf8.count)\n\(record)\n"
    }
    let record = try text(of: head)
    files += "M 100644 inline head.json\ndata \(record.utf8.count)\n\(record)\n"
    try await world.git(
      ["-C", world.remote, "fast-import", "--quiet"],
      input: "commit refs/shipit/prod\ncommitter x <x> 1800000000 +0000\ndata 0\n\(files)\n")
    let ledger = try await world.ledger(try await world.machine("ours"), time: clock)
    #expect(try await ledger.releases(limit: 50).map(\.number) == Array((11...60).reversed()))
    #expect(try await ledger.releases(limit: 55).map(\.number) == Array((6...60).reversed()))
    #expect(try await ledger.releases(limit: 100).count == 60)
    #expect(try await ledger.release(number: 3)?.commit == "c3")
    #expect(try await ledger.release(number: 61) == nil)
  }

  // MARK: Over the network

  @Test func aRemoteBehindAPasswordIsReadAndWrittenBySmartHTTP() async throws {
    let server = try await GitHTTPServer(world, password: "planted-Token42")
    let machine = try await world.machine("ours", url: server.url(user: "ann", password: "planted-Token42"))
    let ledger = try await world.ledger(machine, time: clock)
    let lease = try await ledger.acquire(holder: Sample.holder("ann"))
    let run = try await ledger.open(Sample.plan(), by: "ann", at: clock.now, lease: lease)
    try await ledger.append(Sample.entries(1...3, at: clock.now), to: run.id, lease: lease)
    _ = try await ledger.renew(lease)
    // Credentials of the project's own configuration, as a CI's checkout leaves them.
    let other = try await world.machine("theirs", url: server.url())
    let header = "AUTHORIZATION: basic " + Data("ann:planted-Token42".utf8).base64EncodedString()
    try await world.git(["-C", other, "config", "http.\(server.url()).extraheader", header])
    let theirs = try await world.ledger(other, time: clock)
    #expect(try await theirs.journal(of: run.id) == Sample.entries(1...3, at: clock.now))
    #expect(try await theirs.openRun() == run)
    #expect(await failure { try await theirs.acquire(holder: Sample.holder("bo")) }?.kind == .leaseHeld)
    // Nothing of it lies in what the ledger keeps on disk.
    for machine in [machine, other] {
      for name in try FileManager.default.subpathsOfDirectory(atPath: machine + "/.shipit") {
        let bytes = FileManager.default.contents(atPath: "\(machine)/.shipit/\(name)") ?? Data()
        #expect(bytes.range(of: Data("planted-Token42".utf8)) == nil, "\(name)")
      }
    }

    let stranger = try await world.machine(
      "stranger", url: server.url(user: "ann", password: "planted-Wrong"))
    let error = await failure { try await world.ledger(stranger, time: clock).holder() }
    #expect(error?.kind == .authentication)
    #expect("\(error?.description ?? "") \(error?.place ?? "")".contains("planted") == false)
    #expect(error?.description.contains("git ls-remote origin") == true)
  }
}
