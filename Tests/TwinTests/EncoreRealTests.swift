import Concurrency
import Foundation
import HTTP
import JSON
import Processes
import TestSupport
import Testing

@testable import Twin

/// Encore on sockets, with python programs out of a git repository, and the command's stand-in.
@Suite(.serialized, .timeLimit(.minutes(5))) struct EncoreRealTests {
  @Test func aPushedCommitIsBuiltStartedAndServedBehindTheHealthAnswer() async throws {
    try await EncoreMachine.with { machine in
      let commit = try await machine.commit("print-nothing", migrations: [1])
      let id = try await machine.deploy(commit)
      try await machine.conclude(id, "success")
      let health = try await machine.get("/__encore/healthz")
      #expect(health["details"]?["app_revision"]?.string == commit)
      let page = try await machine.get("/jobs?q=a%20b")
      #expect(page["path"] == "/jobs?q=a%20b")
      #expect(page["revision"]?.string == commit)
      #expect(page["deploy"]?.string == id)
      #expect(page["says"] == "print-nothing")
      #expect(page["secrets"] == "JWT=ZHVtbXk")
    }
  }

  @Test func theLogOfAnEnvironmentStreamsWhatItsRolloutsPrint() async throws {
    try await EncoreMachine.with { machine in
      let first = try await machine.commit("one")
      try await machine.conclude(try await machine.deploy(first), "success")
      let login = try await machine.send(
        "POST", "/login/auth-key", Array("{\"auth_key\":\"ena_key\"}".utf8),
        [("Content-Type", "application/json")])
      let token = try #require(login.body["data"]?["token"]?["access_token"]?.string)
      let base = "ws" + machine.url.dropFirst("http".count) + "/apps/shop-x1/envs/"
      let headers = [(name: "Authorization", value: "Bearer \(token)")]
      // The primary environment goes by a name of its own.
      let socket = try await WebSocket.open(base + "@primary/log", headers: headers)
      func heard(_ words: String) async throws {
        var text = ""
        while !text.contains(words) {
          guard case .text(let piece) = try await socket.receive(within: .seconds(20)) else { break }
          text += piece
        }
        #expect(text.contains(words) && text.hasSuffix("\n"), "\(text)")
      }
      try await heard("serving one\n")
      // It goes on with what is printed from now on.
      let second = try await machine.commit("two")
      let id = try await machine.deploy(second)
      try await heard("serving two\n")
      try await machine.conclude(id, "success")
      await socket.close(within: .seconds(1))
      let refused = await #expect(throws: WebSocketError.self) {
        _ = try await WebSocket.open(base + "nowhere/log", headers: headers)
      }
      #expect(refused?.answer?.status == 404)
      let stranger = await #expect(throws: WebSocketError.self) {
        _ = try await WebSocket.open(base + "prod/log")
      }
      #expect(stranger?.answer?.status == 401)
      // One that is open when the twin ends does not hold it up.
      _ = try await WebSocket.open(base + "prod/log", headers: headers)
    }
  }

  @Test func acrossACutOverOnlyOldAndNewAnswerAndAtLastTheNewAlone() async throws {
    try await EncoreMachine.with { machine in
      let first = try await machine.commit("one")
      try await machine.conclude(try await machine.deploy(first), "success")
      let second = try await machine.commit("two")
      let id = try await machine.deploy(second)
      var seen: Set<String> = []
      var alone = 0
      try await machine.until("the new revision answers alone") {
        let revision = try await machine.get("/")["revision"]?.string ?? "nobody"
        seen.insert(revision)
        alone = revision == second ? alone + 1 : 0
        return alone == 8
      }
      try await machine.conclude(id, "success")
      #expect(seen == [first, second])
    }
  }

  @Test func whatIsNotOnABranchIsNotPushedAndABranchIsItsCommit() async throws {
    try await EncoreMachine.with { machine in
      let pushed = try await machine.commit("one")
      try await machine.git("checkout", "-q", "--detach")
      let detached = try await machine.commit("two")
      #expect(try await machine.trigger(["sha": .string(detached)]).status == 400)
      let answer = try await machine.trigger(["branch": "main"])
      let id = try #require(answer.body["id"]?.string)
      #expect(await machine.encore.state.rollouts[id]?.commit.sha == pushed)
    }
  }

  @Test func aProgramThatDoesNotStartFailsTheRolloutAndTheOldOneServesOn() async throws {
    try await EncoreMachine.with { machine in
      let good = try await machine.commit("one")
      try await machine.conclude(try await machine.deploy(good), "success")
      try await machine.conclude(try await machine.deploy(try await machine.commit("broken")), "failure")
      try await machine.conclude(try await machine.deploy(try await machine.commit("unbuildable")), "failure")
      let misnamed = try await machine.commit("three", extra: "jobs/migrations/users.up.sql")
      try await machine.conclude(try await machine.deploy(misnamed), "failure")
      #expect(try await machine.get("/")["revision"]?.string == good)
    }
  }

  @Test func aCommitWithoutTheRecordedMigrationIsRefused() async throws {
    try await EncoreMachine.with { machine in
      let old = try await machine.commit("one", migrations: [1])
      let new = try await machine.commit("two", migrations: [1, 2])
      try await machine.conclude(try await machine.deploy(new), "success")
      let id = try await machine.deploy(old)
      try await machine.conclude(id, "failure")
      #expect(
        await machine.encore.state.rollouts[id]?.reason
          == "no migration found for version 2: file does not exist")
    }
  }

  // MARK: the command

  @Test func theCommandDeploysAndTakesThePrefixFromTheId() async throws {
    try await EncoreMachine.with { machine in
      let commit = try await machine.commit("one")
      let early = try await machine.command("alpha", "deploy", "--env", "prod", "--commit", commit)
      #expect(early.exit == .code(1))
      #expect(early.errorText.contains("not logged in: run 'encore auth login' first"))
      #expect(try await machine.command("auth", "whoami").text == "not logged in.\n")
      #expect(
        try await machine.command("auth", "login", "--auth-key=ena_key").text == "Successfully logged in!\n")
      let whoami = try await machine.command("auth", "whoami")
      #expect(whoami.text == "logged in as app shop-x1\n")
      #expect(try machine.permissions(of: "config/.auth_token") == 0o600)
      let result = try await machine.command(
        "alpha", "deploy", "--app", "shop-x1", "--env", "prod", "--commit", commit, "-f", "json")
      #expect(result.exit == .code(0), "\(result.errorText)")
      let told = try JSON(parsing: result.output)
      let id = try #require(told["id"]?.string)
      #expect(!id.hasPrefix("roll_"))
      #expect(told["url"]?.string == "https://app.encore.dev/shop-x1/deploys/prod/\(id)")
      try await machine.conclude("roll_" + id, "success")
      let unknown = try await machine.command(
        "alpha", "deploy", "--app", "shop-x1", "--env", "prod", "--commit", String(repeating: "9", count: 40))
      #expect(unknown.exit == .code(1))
      #expect(unknown.errorText.contains("Is it pushed to the remote repository?"))
      #expect(try await machine.command("auth", "logout").text == "encore: logged out.\n")
    }
  }

  static let invented: [(arguments: [String], code: Int32, says: String)] = [
    (["app", "rollback"], 0, "Commands to create and link Encore apps"),
    (["db", "migrate"], 0, "Database management commands"),
    (["app", "deploy", "--env=prod"], 1, "unknown flag: --env"),
    (["db", "migrate", "--env=prod"], 1, "unknown flag: --env"),
    (["deploy", "--env=prod"], 1, "unknown command \"deploy\" for \"encore\""),
    (["run", "script.ts"], 1, "unknown command \"script.ts\" for \"encore run\""),
    (
      ["alpha", "deploy", "--env", "prod"], 1,
      "at least one of the flags in the group [commit branch] is required"
    ),
    (["alpha", "deploy", "--commit", "1234567", "--env", "prod"], 1, "invalid commit: 1234567"),
  ]

  @Test func theCommandHasTheRealTreeAndItsFalseSuccesses() async throws {
    try await EncoreMachine.with { machine in
      for (arguments, code, says) in EncoreRealTests.invented {
        let result = try await machine.command(arguments)
        #expect(result.exit == .code(code), "\(arguments)")
        #expect(
          (code == 0 ? result.text : result.errorText).contains(says), "\(arguments): \(result.errorText)")
      }
      #expect(await machine.encore.state.rollouts.isEmpty)
    }
  }

  @Test func theCommandSetsSecretsFromStandardInputAndTellsConflicts() async throws {
    try await EncoreMachine.with { machine in
      try await machine.logIn()
      let created = try await machine.command(
        "secret", "set", "--type", "prod,dev", "KEY", input: "first\r\n")
      #expect(created.text == "Successfully created secret value for KEY.\n")
      let updated = try await machine.command("secret", "set", "--type", "dev,prod", "KEY", input: "second\n")
      #expect(updated.text == "Successfully updated secret value for KEY.\n")
      let prod = EncoreEnvironmentKey(app: "shop-x1", name: "prod")
      #expect(await machine.encore.state.secret("KEY", for: prod) == "second")
      let conflict = try await machine.command("secret", "set", "--type", "prod", "KEY", input: "third")
      #expect(conflict.exit == .code(1))
      #expect(conflict.errorText.contains("conflicts with other secret values"))
      #expect(!conflict.errorText.contains("third"))
      try await machine.control("faults", ["cli": "secret set", "fault": "daemon-failed"])
      let halfway = try await machine.command("secret", "set", "--env", "prod", "OTHER", input: "value")
      #expect(halfway.exit == .code(1))
      #expect(await machine.encore.state.secret("OTHER", for: prod) == "value")
      let list = try await machine.command("secret", "list")
      #expect(
        list.text == """
          Secret Key   Production   Development   Local   Preview   Specific Envs
          JWT          ✓            ✗             ✗       ✗
          KEY          ✓            ✓             ✗       ✗
          OTHER        ✗            ✗             ✗       ✗         prod

          """)
      let one = try await machine.command("secret", "list", "OTHER")
      let group = try #require(one.text.split(separator: "\n").last?.split(separator: " ").first)
      #expect(one.text.contains("env:prod"))
      #expect(try await machine.command("secret", "delete", String(group)).text.hasSuffix("Aborted.\n"))
      #expect(try await machine.command("secret", "delete", String(group), "-y").exit == .code(0))
      #expect(await machine.encore.state.secret("OTHER", for: prod) == nil)
    }
  }

  @Test func theCommandGivesTheAddressOfADatabase() async throws {
    try await EncoreMachine.with { machine in
      try await machine.logIn()
      let result = try await machine.command("db", "conn-uri", "main", "--env", "prod", "--admin")
      #expect(result.text == "postgresql://encore:dummy@127.0.0.1:5432/main?sslmode=disable\n")
      #expect(try await machine.command("db", "conn-uri", "nope", "--env", "prod").exit == .code(1))
    }
  }

  @Test func anImageIsPushedUnderItsTagAndFoundByItsDigest() async throws {
    try await EncoreMachine.with { machine in
      let commit = try await machine.commit("one")
      let name = "shop/jobs:\(commit)"
      let host = machine.url.dropFirst("http://".count)
      let result = try await machine.command("build", "docker", "\(host)/\(name)", "--push")
      #expect(result.exit == .code(0), "\(result.errorText)")
      let head = try await machine.manifest("HEAD", "shop/jobs", commit)
      let digest = try #require(head.header("Docker-Content-Digest"))
      #expect(digest.hasPrefix("sha256:"))
      let manifest = try await machine.manifest("GET", "shop/jobs", digest)
      #expect(manifest.status == 200)
      let config = try #require(try JSON(parsing: manifest.body)["config"]?["digest"]?.string)
      let blob = try await machine.client.send(
        HTTPRequest(url: "\(machine.url)/v2/shop/jobs/blobs/\(config)"))
      let labels = try JSON(parsing: blob.body)["config"]?["Labels"]
      #expect(labels?["org.opencontainers.image.revision"]?.string == commit)
      try machine.write("jobs/server.py", "# changed")
      _ = try await machine.command("build", "docker", "\(host)/shop/jobs:dirty", "--push")
      let dirty = try await machine.manifest("GET", "shop/jobs", "dirty")
      #expect(dirty.header("Docker-Content-Digest") != digest)
    }
  }

  @Test(arguments: [("stream-cut", 0), ("push-failed", 1), ("incomplete-config", 1), ("daemon-failed", 1)])
  func aBuildThatGoesWrongLeavesNoImageWhateverItsExitCode(fault: String, code: Int32) async throws {
    try await EncoreMachine.with { machine in
      _ = try await machine.commit("one")
      try await machine.control("faults", ["cli": "build docker", "fault": .string(fault)])
      let image = machine.url.dropFirst("http://".count) + "/shop/jobs:tag"
      #expect(try await machine.command("build", "docker", String(image), "--push").exit == .code(code))
      #expect(try await machine.manifest("GET", "shop/jobs", "tag").status == 404)
      #expect(try await machine.command("build", "docker", String(image), "--push").exit == .code(0))
      #expect(try await machine.manifest("GET", "shop/jobs", "tag").status == 200)
    }
  }

  @Test func exchangesAreRecordedLineByLine() async throws {
    try await EncoreMachine.with { machine in
      let commit = try await machine.commit("one")
      _ = try await machine.deploy(commit)
      let text = try String(contentsOfFile: machine.scratch + "/record", encoding: .utf8)
      let lines = try text.split(separator: "\n").map { try JSON(parsing: Array($0.utf8)) }
      let trigger = try #require(lines.first { $0["path"] == "/api/apps/shop-x1/envs/prod/rollouts" })
      #expect(trigger["platform"] == "encore")
      #expect(trigger["method"] == "POST")
      #expect(trigger["request"] == ["sha": .string(commit)])
      #expect(trigger["status"] == 200)
      #expect(trigger["response"]?["status"] == "pending")
    }
  }
}
