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

/// What a job of GitHub Actions is given: sealed here, opened by the emulated GitHub as by the real one.
@Suite struct `Secrets of GitHub Actions` {
  struct Bench: Sendable {
    let twin: GitHubTwin
    let clock: VirtualClock

    init(_ clock: VirtualClock, permission: String = "write", isRecorded: Bool = true) throws {
      self.clock = clock
      twin = try GitHubTwin(
        EmulationSetup(
          seed: [
            "repositories": ["acme/web"],
            "tokens": [["token": "token-1", "permission": .string(permission)]],
          ], clock: clock, recording: isRecorded ? `Deployments on GitHub`.recording : nil))
    }

    func secrets(_ environment: String? = nil, repository: String = "acme/web") -> ActionsSecrets {
      ActionsSecrets(
        GitHubTarget(
          apiURL: InProcessTransport.bases["github"] ?? "", repository: repository,
          token: Sensitive("token-1")), environment: environment, http: InProcessTransport([twin]),
        version: "0")
    }

    /// `environment/NAME=value`, as jobs get them.
    func given() async -> [String] {
      (await twin.overview["secrets"]?.array ?? []).map { row in
        "\(row["environment"]?.string ?? "")/\(row["name"]?.string ?? "")=\(row["value"]?.string ?? "")"
      }
    }
  }

  static let awkward = "pä$$ \"q\" \\ ${{x}}\r\nsecond line\n"

  @Test func `arrive byte for byte, each where it belongs`() throws {
    try VirtualTime().run { clock, _ in
      let bench = try Bench(clock)
      try await bench.secrets().write(["API_KEY": Sensitive(Self.awkward), "EMPTY": Sensitive("")])
      try await bench.secrets("prod eu").write(["API_KEY": Sensitive("of the environment")])
      #expect(
        await bench.given() == ["/API_KEY=\(Self.awkward)", "/EMPTY=", "prod eu/API_KEY=of the environment"])
    }
  }

  @Test func `of an environment whose name holds a slash are its own`() throws {
    try VirtualTime().run { clock, _ in
      let bench = try Bench(clock, isRecorded: false)
      try await bench.secrets("eu/prod").write(["API_KEY": Sensitive("v")])
      #expect(await bench.given() == ["eu/prod/API_KEY=v"])
    }
  }

  @Test func `are listed, over all pages, by name and moment of the last write alone`() throws {
    try VirtualTime().run { clock, _ in
      let bench = try Bench(clock)
      let names = (100..<230).map { "KEY_\($0)" }
      let secrets = bench.secrets()
      #expect(try await secrets.list() == [])
      try await secrets.write(Dictionary(uniqueKeysWithValues: names.map { ($0, Sensitive("one")) }))
      let first = try await secrets.list()
      #expect(first.map(\.name) == names)
      try await clock.sleep(for: .seconds(90))
      try await secrets.write(["KEY_150": Sensitive("two")])
      let moved = zip(first, try await secrets.list()).filter { $0 != $1 }
      #expect(moved.map(\.0.name) == ["KEY_150"])
      #expect(moved.map { $1.updatedAt - $0.updatedAt } == [.seconds(90)])
    }
  }

  @Test func `that GitHub would refuse stop all of them, and no value is told`() throws {
    try VirtualTime().run { clock, _ in
      let bench = try Bench(clock)
      let long = String(repeating: "long-secret-", count: 5000)
      let failure = await #expect(throws: Failure.self) {
        try await bench.secrets().write([
          "FINE": Sensitive("fine"), "2ND": Sensitive("a"), "github_token": Sensitive("b"),
          "WITH-DASH": Sensitive("c"), "LONG": Sensitive(long),
        ])
      }
      let text = failure.map { "\($0)" } ?? ""
      for name in ["2ND", "github_token", "WITH-DASH", "LONG"] { #expect(text.contains(name)) }
      #expect(!text.contains("FINE") && !text.contains("long-secret"))
      #expect(failure?.kind == .configuration)
      #expect(await bench.given() == [])
      try await bench.secrets().write(["LONGEST": Sensitive(String(repeating: "x", count: 48 << 10))])
      #expect(await bench.given().count == 1)
    }
  }

  @Test func `are sealed anew when GitHub has replaced its key meanwhile`() throws {
    try VirtualTime().run { clock, _ in
      let bench = try Bench(clock)
      try await bench.secrets().write(["A": Sensitive("1"), "B": Sensitive("2")])
      let transport = KeyReplacing(base: InProcessTransport([bench.twin]), twin: bench.twin)
      let late = ActionsSecrets(
        GitHubTarget(
          apiURL: InProcessTransport.bases["github"] ?? "", repository: "acme/web",
          token: Sensitive("token-1")), environment: nil, http: transport, version: "0")
      try await late.write(["A": Sensitive("3"), "B": Sensitive("4")])
      #expect(await bench.given() == ["/A=3", "/B=4"])
    }
  }

  @Test func `that cannot be written say what is written and which right is wanted`() throws {
    try VirtualTime().run { clock, _ in
      let bench = try Bench(clock)
      _ = try await bench.secrets().list()
      let written = Locked<[String]>([])
      let failing = KeyReplacing(base: InProcessTransport([bench.twin]), twin: bench.twin, failingAt: "/B")
      let secrets = ActionsSecrets(
        GitHubTarget(
          apiURL: InProcessTransport.bases["github"] ?? "", repository: "acme/web",
          token: Sensitive("token-1")), environment: nil, http: failing, version: "0")
      await #expect(throws: Failure.self) {
        try await secrets.write(["A": Sensitive("1"), "B": Sensitive("2"), "C": Sensitive("3")]) { name in
          written.withLock { $0.append(name) }
        }
      }
      #expect(written.withLock { $0 } == ["A"])
      #expect(await bench.given() == ["/A=1"])
      let reader = try Bench(clock, permission: "read")
      let refused = await #expect(throws: Failure.self) {
        try await reader.secrets().write(["A": Sensitive("hidden-value")])
      }
      #expect(refused?.kind == .authentication)
      #expect(refused?.message == "GitHub refused with status 403, which wants secrets=write")
      #expect(refused?.hint?.contains("GITHUB_TOKEN never has it") == true)
      let elsewhere = await #expect(throws: Failure.self) {
        try await bench.secrets(repository: "acme/other").list()
      }
      #expect(elsewhere?.kind == .authentication)
    }
  }
}

/// GitHub's key is replaced right after it was asked for the first time; or one write is answered by a failure.
private struct KeyReplacing: HTTPTransport {
  let base: InProcessTransport
  let twin: GitHubTwin
  var failingAt: String?
  private let isDone = Locked(false)

  init(base: InProcessTransport, twin: GitHubTwin, failingAt: String? = nil) {
    self.base = base
    self.twin = twin
    self.failingAt = failingAt
  }

  func send(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
    if let failingAt {
      if request.method == "PUT", request.url.hasSuffix(failingAt) {
        return HTTPResponse(status: 500, headers: [], body: [])
      }
      return try await base.send(request)
    }
    let response = try await base.send(request)
    if request.url.hasSuffix("/public-key"), !isDone.withLock({ $0 }) {
      isDone.withLock { $0 = true }
      _ = await twin.control(.init(method: "POST", path: "/secrets/keys", body: []))
    }
    return response
  }

  func stream(_ request: HTTPRequest) async throws(HTTPError) -> HTTPStream { try await base.stream(request) }
}
