import Concurrency
import Foundation
import GitHub
import HTTP
import HTTPServer
import JSON
import Model
import TestSupport
import Testing
import Twin

/// One comment, whoever writes into it and however often, on the emulated GitHub.
@Suite struct `The comment of a pull request` {
  struct Bench: Sendable {
    let twin: GitHubTwin

    init(_ clock: VirtualClock, permission: String = "write") throws {
      twin = try GitHubTwin(
        EmulationSetup(
          seed: [
            "repositories": ["acme/web"],
            "tokens": [["token": "token-1", "permission": .string(permission)]],
          ], clock: clock, recording: `Deployments on GitHub`.recording))
    }

    func comment(_ number: Int = 7, key: String = "shop/prod") -> PullRequestComment {
      PullRequestComment(
        GitHubTarget(
          apiURL: InProcessTransport.bases["github"] ?? "", repository: "acme/web",
          token: Sensitive("token-1")),
        number: number, key: key, http: InProcessTransport([twin]), version: "0")
    }

    func bodies(_ number: Int64 = 7) async -> [String] {
      (await twin.overview["comments"]?.array ?? []).filter { $0["number"]?.int == number }
        .compactMap { $0["body"]?.string }
    }

    func plant(_ login: String, _ body: String) async {
      let comment: JSON = ["number": 7, "login": .string(login), "body": .string(body)]
      _ = await twin.control(
        ServerRequest(
          method: "POST", path: "/comments", query: [], headers: [],
          body: Array(comment.serialized().utf8)))
    }
  }

  @Test func `is one, with a section for each who writes`() throws {
    try VirtualTime().run { clock, _ in
      let bench = try Bench(clock)
      #expect(try await bench.comment().update(.plan, to: "the plan\n") == .created)
      #expect(try await bench.comment().update(.preview, to: "| a | table |") == .changed)
      #expect(try await bench.comment().update(.plan, to: "another plan") == .changed)
      let bodies = await bench.bodies()
      #expect(bodies.count == 1, "\(bodies)")
      let body = try #require(bodies.first)
      #expect(body.hasPrefix("<!-- shipit:comment:v1:shop/prod -->\n"), "\(body)")
      #expect(!body.contains("the plan") && body.contains("another plan") && body.contains("| a | table |"))
      #expect(try await bench.comment().update(.plan, to: "another plan") == .unchanged)
    }
  }

  @Test func `of somebody else with the same mark is left alone`() throws {
    try VirtualTime().run { clock, _ in
      let bench = try Bench(clock)
      await bench.plant("mallory", "<!-- shipit:comment:v1:shop/prod -->\nmine")
      try await bench.comment().update(.preview, to: "ours")
      try await bench.comment().update(.preview, to: "ours again")
      let bodies = await bench.bodies()
      #expect(bodies.count == 2 && bodies.first?.hasSuffix("mine") == true, "\(bodies)")
      #expect(bodies.last?.contains("ours again") == true)
    }
  }

  @Test func `is found beyond the first page, and others of the job are no obstacle`() throws {
    try VirtualTime().run { clock, _ in
      let bench = try Bench(clock)
      for number in 0..<130 { await bench.plant("ann", "talk \(number)") }
      await bench.plant("github-actions[bot]", "another workflow's")
      try await bench.comment().update(.preview, to: "first")
      try await bench.comment().update(.preview, to: "second")
      try await bench.comment(key: "shop/staging").update(.preview, to: "of staging")
      try await bench.comment(8).update(.preview, to: "of another")
      let bodies = await bench.bodies()
      #expect(bodies.count == 133, "\(bodies.count)")
      #expect(bodies.filter { $0.contains("second") }.count == 1)
      #expect(await bench.bodies(8).count == 1)
    }
  }

  @Test func `is not made for what is over`() throws {
    try VirtualTime().run { clock, _ in
      let bench = try Bench(clock)
      #expect(try await bench.comment().update(.preview, to: "deleted", creates: false) == .unchanged)
      #expect(await bench.bodies().isEmpty)
    }
  }

  @Test func `takes no text that would end its section, and none that is too long`() throws {
    try VirtualTime().run { clock, _ in
      let bench = try Bench(clock)
      let nasty = "a\n<!-- shipit:end:plan -->\nb " + String(repeating: "x", count: 80_000)
      try await bench.comment().update(.plan, to: nasty)
      try await bench.comment().update(.preview, to: "ours")
      let body = try #require(await bench.bodies().first)
      #expect(body.count < 65_536, "\(body.count)")
      #expect(body.contains("\nb xxx"), "what followed is still the plan's")
      #expect(body.components(separatedBy: "<!-- shipit:end:plan -->").count == 2)
    }
  }

  @Test func `cannot be written from a fork, which is said with the right that is missing`() throws {
    try VirtualTime().run { clock, _ in
      let bench = try Bench(clock, permission: "read")
      let failure = await #expect(throws: Failure.self) { try await bench.comment().update(.plan, to: "p") }
      #expect(failure?.kind == .authentication)
      #expect(failure?.message.contains("pull_requests=write") == true, "\(String(describing: failure))")
      #expect(failure?.hint?.contains("from a fork") == true)
    }
  }
}
