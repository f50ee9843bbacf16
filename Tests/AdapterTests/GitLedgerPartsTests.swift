import Concurrency
import Model
import Processes
import Testing

@testable import Ledgers

/// The decisions of the git ledger, without git.
@Suite struct GitLedgerPartsTests {
  @Test(arguments: [
    ("To file:///r\n*\tab12:refs/shipit/prod\t[new reference]\nDone\n", PushReport.accepted),
    ("To file:///r\n \tab12:refs/shipit/prod\t6ca8336..d371ee2\nDone\n", .accepted),
    ("To file:///r\n=\tab12:refs/shipit/prod\t[up to date]\nDone\n", .accepted),
    ("To file:///r\n!\tab12:refs/shipit/prod\t[rejected] (stale info)\nDone\n", .lost),
    ("To file:///r\n!\tab12:refs/shipit/prod\t[remote rejected] (failed to update ref)\nDone\n", .lost),
    (
      "!\tab12:refs/shipit/prod\t[remote rejected] (cannot lock ref 'refs/shipit/prod': is at 1 but expected 2)",
      .lost
    ),
    (
      "!\tab12:refs/shipit/prod\t[remote rejected] (pre-receive hook declined)",
      .refused("[remote rejected] (pre-receive hook declined)")
    ),
    ("", .unheard), ("To file:///r\nDone\n", .unheard),
  ])
  func aPushIsJudgedByWhatTheRemoteSaid(_ output: String, _ report: PushReport) {
    #expect(PushReport(output) == report)
  }

  @Test func aLeaseIsBelievedForItsWholeLengthFromTheFirstSight() {
    let start = Timestamp(milliseconds: 1_000_000)
    var lease = Lease(
      holder: Sample.holder("ann"), fence: 1, since: start - .seconds(3600), expires: start - .seconds(3000),
      duration: .seconds(90), heartbeat: .seconds(20))
    var watch = LeaseWatch()
    watch.see("a", at: start)
    // By its holder's clock it ended long ago; that clock says nothing.
    #expect(watch.believed(lease).expires == start + .seconds(90))
    watch.see("a", at: start + .seconds(89))
    #expect(watch.believed(lease).expires == start + .seconds(90))
    watch.see("b", at: start + .seconds(89))
    #expect(watch.believed(lease).expires == start + .seconds(179))
    lease.duration = .seconds(3)
    #expect(watch.believed(lease).expires == start + .seconds(92))
  }

  @Test func onlyWhatConcernsTheNetworkIsTakenFromTheProject() {
    let listing =
      [
        "user.name\nAnn", "core.bare\nfalse", "core.worktree\n/elsewhere", "core.hookspath\n/hooks",
        "core.sshcommand\nssh -i key", "http.proxy\nhttp://proxy",
        "http.https://h/.extraheader\nAUTHORIZATION: x",
        "http.https://h/.extraheader\nX: y", "credential.helper\nstore", "credential.https://h.helper\ncache",
        "url.git@h:.insteadof\nhttps://h/", "remote.origin.url\nhttps://h/a",
        "remote.origin.fetch\n+refs/*:refs/*",
        "remote.origin.proxy\nhttp://p", "remote.backup.proxy\nhttp://q", "branch.main.remote\norigin",
        "http.sslverify",
      ].joined(separator: "\0") + "\0"
    let taken = LedgerRemote.network(LedgerRemote.pairs(listing), remote: "origin").map {
      "\($0.key)=\($0.value)"
    }
    #expect(
      taken == [
        "core.sshcommand=ssh -i key", "http.proxy=http://proxy",
        // The user's own files are read again by git: an empty value ends what they listed.
        "http.https://h/.extraheader=", "http.https://h/.extraheader=AUTHORIZATION: x",
        "http.https://h/.extraheader=X: y", "credential.helper=", "credential.helper=store",
        "credential.https://h.helper=", "credential.https://h.helper=cache",
        "url.git@h:.insteadof=https://h/", "remote.ledger.proxy=http://p", "http.sslverify=true",
      ])
  }

  @Test func wordsOfGitLoseTheirCredentials() {
    let result = ProcessResult(
      exit: .code(128), output: [],
      errorOutput: Array(
        """
        fatal: unable to access 'https://ann:pl@nted-token@h.example/a.git/': Could not resolve host
        hint: try again
        remote: see https://x:y@h/z and http://plain/path@v2

        """.utf8))
    #expect(
      LedgerGit.words(of: result)
        == "unable to access 'https://h.example/a.git/': Could not resolve host; "
        + "see https://h/z and http://plain/path@v2")
  }

  @Test func theHeadKeepsTheNewestFiftyReleases() {
    var head = GitHead(app: "shop", environment: "prod")
    for number in 1...53 {
      let run = RunRecord(
        id: RunID(number), release: number, plan: Sample.plan(), by: "ann",
        startedAt: Timestamp(milliseconds: 0))
      head.add(Sample.release(of: run, endedAt: Timestamp(milliseconds: 1)))
    }
    #expect(head.releases.map(\.number) == Array((4...53).reversed()))
  }

  @Test func filesLieInFoldersOfAHundred() {
    #expect(GitPath.release(7) == "releases/00/0007.json")
    #expect(GitPath.run(RunID(12345)) == "runs/123/12345.json")
    #expect(GitPath.journal(RunID(100), from: 41) == "journals/01/0100/0000041.jsonl")
  }
}
