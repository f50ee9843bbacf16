import Concurrency
import Foundation
import HTTP
import JSON
import Model
import Processes
import Source
import TestSupport
import Testing

@testable import Encore

@Suite struct ImageReferenceTests {
  @Test(
    "names are taken apart as registries do",
    arguments: [
      ("ghcr.io/acme/api:1a2b", "ghcr.io", "acme/api", "1a2b"),
      ("localhost:5000/api:v1", "localhost:5000", "api", "v1"),
      ("acme/api:v1", "registry-1.docker.io", "acme/api", "v1"),
      ("api:v1", "registry-1.docker.io", "library/api", "v1"),
    ])
  func parts(text: String, registry: String, name: String, tag: String) throws {
    let image = try ImageReference(text, service: "api")
    #expect(image.registry == registry && image.name == name && image.tag == tag)
    #expect(image.isLoopback == text.hasPrefix("localhost"))
  }

  @Test(
    "a tag that moves is refused, and one that is missing",
    arguments: [
      "ghcr.io/acme/api", "ghcr.io/acme/api:latest", "ghcr.io/acme/api@sha256:00", "ghcr.io/Acme/api:1",
      "a//b:1",
    ])
  func refused(text: String) {
    let failure = #expect(throws: Failure.self) { try ImageReference(text, service: "api") }
    #expect(failure?.kind == .configuration && failure?.hint?.contains("${commit}") == true)
  }
}

@Suite struct InfraConfigurationTests {
  @Test("every $env is found with its place, through comments and trailing commas")
  func uses() throws {
    let text = """
      {
        // "$env": "NOT_THIS"
        "sql_servers": [{"host": "db:5432", /* {"$env": "NOR"} */ "databases": {
          "main": {"username": {"$env": "DB_USER"}, "password": {"$env": "DB_PASSWORD"},},
        }},],
        "secrets": {"Key": {"$env": "KEY"}, "url": "http://x//y", "n": 1.5, "b": true,},
      }
      """
    let found = try InfraConfiguration(text)
    #expect(found.uses.map(\.name) == ["DB_USER", "DB_PASSWORD", "KEY"])
    #expect(found.uses.map { "\($0.line):\($0.column)" } == ["4:35", "4:68", "6:31"])
  }

  @Test(
    "what is broken is said with its place",
    arguments: [
      ("{\"a\": [1}", "`}` closes nothing", 1), ("{\"a\": \"x\n\"}", "a text is never closed", 1),
      ("{\n/* never", "a comment is never closed", 2),
      ("{\"a\": {\"$env\": 5}}", "`$env` names no variable", 1),
      ("{", "`{` is never closed", 1), ("[]", "it is no object", 1),
    ])
  func faults(text: String, what: String, line: Int) {
    let fault = #expect(throws: InfraConfiguration.Fault.self) { try InfraConfiguration(text) }
    #expect(fault?.what == what && fault?.line == line)
  }
}

/// A project with an Encore application, a program called `encore`, and a registry that the program pushes to.
private final class ImageBench: Sendable {
  let project: GitProject
  let commit: String
  let pushed: String
  let challenges: Bool
  private let asked = Locked<[HTTPRequest]>([])
  var requests: [HTTPRequest] { asked.withLock { $0 } }

  /// - Parameters:
  ///   - script: what the program does after it has noted how it was called.
  ///   - challenges: the registry wants a token.
  init(
    script: String, infra: String = "{\"secrets\": {\"Key\": {\"$env\": \"KEY\"},}}\n",
    challenges: Bool = false
  )
    async throws
  {
    project = try await GitProject(environment: "shipit: 1\n")
    self.challenges = challenges
    try project.write("{\"id\": \"shop-x1\"}\n", to: "backend/encore.app")
    try project.write(infra, to: "backend/infra.config.json")
    commit = try await project.commit("application")
    try project.write("changed, not committed\n", to: "backend/draft.txt")
    pushed = project.scratch.path + "/pushed"
    let program = project.scratch.path + "/bin/encore"
    try project.scratch.write(
      """
      #!/bin/sh
      { echo "$@"; pwd; git rev-parse HEAD; git status --porcelain | wc -l; env | sort; } > "\(project.scratch.path)/call"
      \(script.replacingOccurrences(of: "PUSHED", with: pushed))
      """, to: "bin/encore")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program)
  }

  var call: [String] { ((try? project.scratch.read("call")) ?? "").split(separator: "\n").map(String.init) }

  private var transport: ScriptedTransport {
    ScriptedTransport { [self] request throws(HTTPError) in
      asked.withLock { $0.append(request) }
      if request.url.contains("/token") { return .text(200, "{\"token\": \"registry-token\"}") }
      let authorization = request.headers.first { $0.name == "Authorization" }?.value
      if challenges, authorization != "Bearer registry-token" {
        return .text(
          401, "{}",
          headers: [
            (
              "WWW-Authenticate",
              "Bearer realm=\"http://127.0.0.1:5000/token\",service=\"registry\",scope=\"repository:api:pull\""
            )
          ])
      }
      guard FileManager.default.fileExists(atPath: pushed) else { return .text(404, "{}") }
      return .text(
        200, "{}", headers: [("Docker-Content-Digest", "sha256:" + String(repeating: "a", count: 64))])
    }
  }

  func build(
    image: String? = nil, variables: [String] = ["KEY"], record: Record = Record(), docker: String? = nil
  ) async throws -> Outcome {
    var process = project.variables
    process["PATH"] = project.scratch.path + "/bin:" + (process["PATH"] ?? "")
    process["RAILWAY_API_TOKEN"] = "never-seen"
    process["TMPDIR"] = project.scratch.path
    process["DOCKER_CONFIG"] = docker
    let source = try await GitSource.find(root: project.path, process: project.variables)
    let clock = ManualClock()
    let builder = EncoreImageBuilder(
      repository: ProjectRepository(source: source, temporaryDirectory: project.scratch.path),
      http: transport,
      clock: clock, process: process, temporaryDirectory: project.scratch.path)
    let step = Step(
      id: "api.image", title: "build the image of api", service: "api",
      action: .buildImage(
        ImageBuild(
          service: "api", path: "backend", image: image ?? "127.0.0.1:5000/api:\(commit)",
          configuration: "backend/infra.config.json", commit: commit, variables: variables)),
      limit: .seconds(60), isRepeatable: true)
    return await builder.perform(step, Sample.call(clock, limit: .seconds(60), record: record))
  }
}

@Suite(.timeLimit(.minutes(5))) struct ImageBuilderTests {
  @Test("the commit is built in a clean checkout of its own, pushed, and its digest read from the registry")
  func builds() async throws {
    let bench = try await ImageBench(script: "echo building; touch PUSHED")
    let record = Record()
    let result = try #require(try await bench.build(record: record).result)
    #expect(result.facts[StepFact.digest] == "sha256:" + String(repeating: "a", count: 64))
    #expect(record.logs == ["building"])
    let call = bench.call
    #expect(
      call[0].hasPrefix(
        "build docker 127.0.0.1:5000/api:\(bench.commit) --push --os linux --arch amd64 --config "))
    #expect(call[1].hasSuffix("/backend") && !call[1].hasPrefix(bench.project.path))
    #expect(call[2] == bench.commit && call[3] == "0", "git says what is built, and that nothing is changed")
    #expect(!call.contains { $0.contains("never-seen") }, "no secret of the run reaches the build")
    let rest = try FileManager.default.contentsOfDirectory(atPath: bench.project.scratch.path)
    #expect(!rest.contains { $0.hasPrefix("shipit-image") }, "the checkout is gone")

    let again = try #require(try await bench.build().result)
    #expect(again.summary.contains("in the registry already"), "a tag of the commit is pushed once")
  }

  @Test("exit 0 without an image in the registry is a failure")
  func cutStream() async throws {
    let bench = try await ImageBench(script: "exit 0")
    let failure = try #require(try await bench.build().failure)
    #expect(failure.message.contains("127.0.0.1:5000 has no api:"))
    #expect(failure.cause?.contains("exit code 0") == true)
  }

  @Test("what is missing in the infrastructure configuration is told with the program's own lines")
  func incomplete() async throws {
    let bench = try await ImageBench(
      script: "echo 'Your infra configuration is incomplete: secrets: Other' >&2; exit 1")
    let failure = try #require(try await bench.build().failure)
    #expect(failure.kind == .configuration && failure.cause?.contains("secrets: Other") == true)
  }

  @Test("variables that the configuration reads and the service lacks are listed before anything is built")
  func missingVariables() async throws {
    let bench = try await ImageBench(
      script: "touch PUSHED",
      infra: "{\n  \"secrets\": {\"A\": {\"$env\": \"A\"}, \"B\": {\"$env\": \"B\"}}\n}\n")
    let failure = try #require(try await bench.build(variables: []).failure)
    #expect(
      failure.message.contains("A (backend/infra.config.json:2:29), B (backend/infra.config.json:2:49)"),
      "\(failure)")
    #expect(failure.kind == .configuration && bench.call.isEmpty)
  }

  @Test("a registry that wants a token gets one, with what docker login stored")
  func token() async throws {
    let bench = try await ImageBench(script: "touch PUSHED", challenges: true)
    let auth = Data("ann:pass".utf8).base64EncodedString()
    try bench.project.scratch.write(
      "{\"auths\": {\"127.0.0.1:5000\": {\"auth\": \"\(auth)\"}}}", to: "docker/config.json")
    let outcome = try await bench.build(docker: bench.project.scratch.path + "/docker")
    #expect(outcome.word == "done", "\(outcome)")
    let token = try #require(bench.requests.first { $0.url.contains("/token") })
    #expect(token.url == "http://127.0.0.1:5000/token?service=registry&scope=repository%3Aapi%3Apull")
    #expect(token.headers.first { $0.name == "Authorization" }?.value == "Basic \(auth)")
  }
}

/// The same with the command's stand-in and the twin's registry, over sockets.
@Suite(.serialized, .timeLimit(.minutes(5))) struct StandInImageTests {
  @Test("an image goes to a registry and is verified there; what the command only claims is not believed")
  func standIn() async throws {
    let project = try await GitProject(environment: "shipit: 1\n")
    try project.write("{\"id\": \"shop-x1\"}\n", to: "backend/encore.app")
    try project.write("{}\n", to: "backend/infra.config.json")
    let commit = try await project.commit("application")
    try project.scratch.write(
      "{\"encore\": {\"apps\": [{\"slug\": \"shop-x1\", \"environments\": [{\"name\": \"prod\"}]}]}}",
      to: "seed.json")
    let twin = try await TwinProcess.start(for: project, seed: project.scratch.path + "/seed.json")
    do {
      try await check(project, commit, twin)
    } catch {
      await twin.stop()
      throw error
    }
    await twin.stop()
  }

  private func check(_ project: GitProject, _ commit: String, _ twin: TwinProcess) async throws {
    // Its lines come one after the other.
    var url: String?
    for _ in 0..<200 where url == nil {
      url = twin.output.withLock { lines in
        lines.lazy.compactMap { $0.split(separator: "SHIPIT_ENCORE_URL=").dropFirst().first.map(String.init) }
          .first
      }
      if url == nil { try await Task.sleep(for: .milliseconds(25)) }
    }
    let base = try #require(url)
    var process = project.variables
    process["PATH"] = Checkout.root + "/Tests/Support/encore-stand-in:" + (process["PATH"] ?? "")
    process["ENCORE_PLATFORM_API_URL"] = base
    let source = try await GitSource.find(root: project.path, process: project.variables)
    let http = HTTPClient()
    let builder = EncoreImageBuilder(
      repository: ProjectRepository(source: source, temporaryDirectory: project.scratch.path), http: http,
      clock: SystemClock(), process: process, temporaryDirectory: project.scratch.path)
    func build(_ tag: String) async -> Outcome {
      let step = Step(
        id: "api.image", title: "build", service: "api",
        action: .buildImage(
          ImageBuild(
            service: "api", path: "backend", image: base.dropFirst("http://".count) + "/api:" + tag,
            configuration: "backend/infra.config.json", commit: commit, variables: [])),
        limit: .seconds(60), isRepeatable: true)
      let now = SystemClock().now
      return await builder.perform(
        step, StepCall(run: Sample.facts, attempt: 1, beganAt: now, deadline: now + .seconds(60)))
    }
    let made = await build(commit)
    #expect(made.result?.facts[StepFact.digest]?.hasPrefix("sha256:") == true, "\(made)")
    for (fault, words) in [
      ("stream-cut", "encore ended well, but"), ("push-failed", "encore build docker ended with"),
      ("incomplete-config", "encore build docker ended with"),
    ] {
      let request = HTTPRequest(
        method: "POST", url: base + "/_twin/faults", headers: [("Content-Type", "application/json")],
        body: .bytes(Array("{\"cli\": \"build docker\", \"fault\": \"\(fault)\"}".utf8)))
      #expect(try await http.send(request).status == 200)
      let failed = await build("v-" + fault)
      #expect(failed.failure?.message.contains(words) == true, "\(fault): \(failed)")
    }
  }
}

@Suite struct EncoreCommandTests {
  @Test(
    "commands that do not exist are found in whatever form they are written",
    arguments: [
      ("encore app deploy --env=prod", "encore app deploy"), ("npx encore deploy", "encore deploy"),
      ("cd x && encore db migrate --env=prod", "encore db migrate"),
      ("./bin/encore app rollback", "encore app rollback"),
      ("run: encore run --env=prod script.ts", "encore run --env"),
      ("ENCORE_AUTH_TOKEN=$X encore check", "ENCORE_AUTH_TOKEN"),
    ])
  func found(line: String, written: String) {
    #expect(EncoreCommand(in: [line])?.written == written)
  }

  @Test(
    "those that exist are left alone",
    arguments: [
      "encore alpha deploy --env prod --commit abc", "encore run", "encore db shell main --env prod",
      "git push encore",
      "encore secret set --env prod KEY", "echo encore.dev/deploy", "encore build docker api:1 --push",
    ])
  func real(line: String) { #expect(EncoreCommand(in: [line]) == nil) }

  @Test("doctor names the file and line of a workflow that calls one")
  func workflows() async throws {
    let scratch = try ScratchDirectory()
    try scratch.write(
      "jobs:\n  deploy:\n    steps:\n      # - run: encore app deploy\n      - run: encore app deploy --env=prod\n",
      to: ".github/workflows/deploy.yml")
    let encore = FakeEncore()
    let platform = try EncorePlatform(
      baseURL: "http://127.0.0.1:1", http: encore.transport, clock: encore.clock,
      target: Sample.target(key: false),
      secrets: SecretValues(values: [
        "ENCORE_CLIENT_ID": Sensitive("a"), "ENCORE_CLIENT_SECRET": Sensitive("b"),
      ]),
      repository: NoRepository(), root: scratch.path, random: { 0.5 })
    let found = await platform.examine(Sample.environment(key: false)).first {
      $0.subject.contains("workflows")
    }
    #expect(found?.subject == ".github/workflows/deploy.yml:5" && found?.verdict == .bad)
  }
}
