import Concurrency
import GitHub
import HTTP
import JSON
import Model
import TestSupport
import Testing
import Twin

/// One issue about one matter, however often it is told.
@Suite struct `An issue that is kept` {
  private func bench(_ clock: VirtualClock, permission: String = "write") throws -> GitHubTwin {
    try GitHubTwin(
      EmulationSetup(
        seed: [
          "repositories": ["acme/web"],
          "tokens": [["token": "token-1", "permission": .string(permission)]],
          "issues": [
            // A stranger who has pasted the marker.
            [
              "repository": "acme/web", "title": "mine", "body": "<!-- shipit:drift:shop/prod -->\nhello",
              "author": "User",
            ]
          ],
        ], clock: clock, recording: `Deployments on GitHub`.recording))
  }

  private func keeper(_ twin: GitHubTwin) -> IssueKeeper {
    IssueKeeper(
      GitHubTarget(
        apiURL: InProcessTransport.bases["github"] ?? "", repository: "acme/web", token: Sensitive("token-1")),
      http: InProcessTransport([twin]), version: "0")
  }

  private func issue(_ title: String, _ body: String = "two changes") -> KeptIssue {
    KeptIssue(key: "drift:shop/prod", title: title, body: body, label: "shipit-drift")
  }

  private func rows(_ twin: GitHubTwin) async -> [String] {
    (await twin.overview["issues"]?.array ?? []).map { row in
      "\(row["number"]?.int ?? 0) \(row["state"]?.string ?? "") \(row["title"]?.string ?? "")"
    }
  }

  @Test func `is opened once, brought up to date, and closed with a word`() throws {
    try VirtualTime().run { clock, _ in
      let twin = try bench(clock)
      let keeper = keeper(twin)
      #expect(try await keeper.end("drift:shop/prod", word: "over") == .nothing, "a stranger's was taken")
      #expect(try await keeper.keep(issue("Drift: 1")) == .opened(2))
      #expect(try await keeper.keep(issue("Drift: 1")) == .unchanged(2))
      #expect(try await keeper.keep(issue("Drift: 2", "more")) == .updated(2))
      let other = KeptIssue(key: "drift:shop/staging", title: "Other", body: "b", label: "shipit-drift")
      #expect(try await keeper.keep(other) == .opened(3))
      #expect(await rows(twin) == ["1 open mine", "2 open Drift: 2", "3 open Other"])
      #expect(try await keeper.end("drift:shop/prod", word: "no drift any more") == .closed(2))
      #expect(await rows(twin) == ["1 open mine", "2 closed Drift: 2", "3 open Other"])
      let closed = await twin.overview["issues"]?.array?[1]
      #expect(closed?["comments"] == ["no drift any more"] && closed?["labels"] == ["shipit-drift"])
      #expect(closed?["body"]?.string == "<!-- shipit:drift:shop/prod -->\nmore")
      #expect(try await keeper.keep(issue("Drift: 1")) == .opened(4), "a closed one was opened again")
    }
  }

  @Test func `says which right is missing`() throws {
    try VirtualTime().run { clock, _ in
      let keeper = keeper(try bench(clock, permission: "read"))
      await #expect {
        try await keeper.keep(issue("Drift: 1"))
      } throws: { error in
        guard let failure = error as? Failure else { return false }
        return failure.kind == .authentication && failure.hint?.contains("issues: write") == true
          && failure.message.contains("issues=write")
      }
    }
  }
}
