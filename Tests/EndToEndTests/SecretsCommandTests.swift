import Concurrency
import Foundation
import JSON
import Ledgers
import Model
import TestSupport
import Testing

/// `shipit secrets`, from names that are missing to values that run.
@Suite(.timeLimit(.minutes(5))) struct SecretsCommandTests {
  private func project(_ secrets: String) async throws -> GitProject {
    let project = try await GitProject()
    try project.change(
      "environments/demo.yaml", "provision: adopt\n", "provision: adopt\nsecrets:\n\(secrets)")
    try project.write(".shipit/\n__pycache__/\n.env.demo\n", to: ".gitignore")
    try await project.commit("secrets")
    return project
  }

  /// The service that has the key accepts the one before too.
  private func acceptPrevious(_ project: GitProject) throws {
    let text = try project.scratch.read("project/environments/demo.yaml")
    let block = "      API_KEY: {secret: DEMO_API_KEY}\n"
    #expect(text.contains(block))
    try project.write(
      text.replacingOccurrences(
        of: block, with: "\(block)      API_KEY_PREVIOUS: {secret: DEMO_API_KEY_PREVIOUS}\n"),
      to: "environments/demo.yaml")
  }

  private func inTwin<Result>(
    _ project: GitProject, _ body: (TwinProcess) async throws -> Result
  ) async throws -> Result {
    let twin = try await TwinProcess.start(for: project)
    do {
      let result = try await body(twin)
      await twin.stop()
      return result
    } catch {
      await twin.stop()
      throw error
    }
  }

  @Test func whatIsMissingOrAgainstTheRulesIsToldBeforeAnythingIsTouched() async throws {
    let project = try await project(
      "  required: {file: .env.example, ignore: [PORT]}\n  rules:\n    DEMO_API_KEY: {min-length: 12, pattern: \"^planted\"}\n"
    )
    try project.write("PORT=3000\nGREETING=hi\nDEMO_API_KEY=\nSMTP_KEY=\n", to: ".env.example")
    try await project.commit("example")
    try await inTwin(project) { twin in
      let missing = try await project.shipit("deploy", "demo", "--yes", variables: twin.variables)
      #expect(missing.code == 2, "\(missing.text)")
      // GREETING is a plain variable of a service, PORT is left out.
      #expect(missing.text.contains("1 secret of demo cannot be resolved: SMTP_KEY"), "\(missing.text)")
      #expect(missing.text.contains(".env.example:4"), "\(missing.text)")
      var variables = twin.variables
      variables["SMTP_KEY"] = "smtp-key-of-the-demo"
      variables["DEMO_API_KEY"] = "change-me"
      let broken = try await project.shipit("plan", "demo", variables: variables)
      #expect(broken.code == 2, "\(broken.text)")
      for part in [
        "environments/demo.yaml:14:5", "fewer than 12 characters", "does not match ^planted", "placeholder",
      ] {
        #expect(broken.text.contains(part), "\(broken.text)")
      }
      #expect(!broken.text.contains("change-me"))
      variables["DEMO_API_KEY"] = TwinProcess.plantedKey
      let good = try await project.shipit("plan", "demo", variables: variables)
      #expect(good.code == 0, "\(good.text)")
    }
  }

  @Test func aValueIsGeneratedOnceListedSyncedAndTakenUpByTheNextDeploy() async throws {
    let project = try await project("  sources: [{dotenv: .env.demo}, environment]\n")
    try await inTwin(project) { twin in
      var variables = twin.variables
      variables["DEMO_API_KEY"] = nil
      func shipit(_ arguments: String...) async throws -> ShipitResult {
        try await project.shipit(arguments, variables: variables)
      }
      func stored() throws -> String {
        try String(contentsOfFile: project.path + "/.env.demo", encoding: .utf8)
      }
      let listed = try await shipit("secrets", "list", "demo")
      #expect(listed.code == 0 && listed.text.contains("no source has it"), "\(listed.text)")

      let made = try await shipit("secrets", "generate", "demo", "DEMO_API_KEY", "--kind", "hex")
      #expect(made.code == 0, "\(made.text)")
      let first = try stored()
      let value = String(first.dropFirst("DEMO_API_KEY=".count).filter(\.isHexDigit))
      #expect(value.count == 64, "\(first.count)")
      #expect(!made.text.contains(value))
      let mode = try FileManager.default.attributesOfItem(atPath: project.path + "/.env.demo")[
        .posixPermissions]
      #expect(mode as? Int == 0o600)
      let again = try await shipit("secrets", "generate", "demo", "DEMO_API_KEY")
      #expect(again.code == 0 && again.text.contains("nothing was written"), "\(again.text)")
      #expect(try stored() == first)

      let deployed = try await shipit("deploy", "demo", "--yes")
      #expect(deployed.code == 0, "\(deployed.text)")
      let same = try await shipit("secrets", "diff", "demo", "--detailed-exitcode")
      #expect(same.code == 0 && same.text.contains("same"), "\(same.text)")

      let next = "another-Value/of+the=demo"
      try "DEMO_API_KEY=\(next)\n".write(
        toFile: project.path + "/.env.demo", atomically: false, encoding: .utf8)
      let differs = try await shipit("secrets", "diff", "demo", "--detailed-exitcode")
      #expect(differs.code == 3 && differs.text.contains("differs"), "\(differs.text)")
      let document = try JSON(
        parsing: Array(try await shipit("secrets", "diff", "demo", "--json").output.utf8))
      #expect(document["entries"]?.array?.first?["state"]?.string == "differs")

      let synced = try await shipit("secrets", "sync", "demo", "--yes")
      #expect(synced.code == 0, "\(synced.text)")
      #expect(
        synced.text.contains("the secrets are written") && synced.text.contains("same"), "\(synced.text)")
      let twice = try await shipit("secrets", "sync", "demo", "--yes")
      #expect(twice.code == 0 && twice.text.contains("nothing to do"), "\(twice.text)")
      // One write, of one variable of one service: the history has one release of it.
      let history = try await shipit("history", "demo", "--json")
      #expect(
        history.output.components(separatedBy: "\"action\":\"secrets\"").count == 2, "\(history.output)")

      // Stored is not running: the next deploy takes it up, and the one after it has nothing to do.
      let plan = try await shipit("plan", "demo")
      #expect(plan.text.contains("API_KEY written since it was deployed"), "\(plan.text)")
      let taken = try await shipit("deploy", "demo", "--yes")
      #expect(taken.code == 0, "\(taken.text)")
      let idle = try await shipit("plan", "demo", "--detailed-exitcode")
      #expect(idle.code == 0, "\(idle.text)")
      let all = [listed, made, deployed, differs, synced, twice, history, plan, taken, idle].map(\.text)
        .joined()
      for secret in [value, next] { #expect(!all.contains(secret)) }
    }
  }

  @Test func aValueThatNoSourceHasIsKeptByThePlatformsAndStaysThere() async throws {
    let project = try await project("  rules: {SESSION_KEY: {keep: platform, min-length: 32}}\n")
    let key = "      API_KEY: {secret: DEMO_API_KEY}\n"
    try project.change("environments/demo.yaml", key, key + "      SESSION_KEY: {secret: SESSION_KEY}\n")
    try await project.commit("a key of sessions")
    try await inTwin(project) { twin in
      func shipit(_ arguments: String...) async throws -> ShipitResult {
        try await project.shipit(arguments, variables: twin.variables)
      }
      func stored() async throws -> [String?] {
        (try await twin.control("GET", "state")["services"]?.array ?? []).map {
          $0["variables"]?["SESSION_KEY"]?.string
        }
      }
      let missing = try await shipit("deploy", "demo", "--yes")
      #expect(missing.code == 2, "\(missing.text)")
      #expect(missing.text.contains("shipit secrets generate demo SESSION_KEY"), "\(missing.text)")
      let made = try await shipit("secrets", "generate", "demo", "SESSION_KEY", "--yes")
      #expect(made.code == 0, "\(made.text)")
      let first = try await stored().compactMap(\.self)
      #expect(Set(first).count == 1, "\(first)")
      let deployed = try await shipit("deploy", "demo", "--yes")
      #expect(deployed.code == 0, "\(deployed.text)")
      let again = try await shipit("secrets", "generate", "demo", "SESSION_KEY", "--yes")
      #expect(again.code == 0 && again.text.contains("nothing was written"), "\(again.text)")
      let idle = try await shipit("plan", "demo", "--detailed-exitcode")
      #expect(idle.code == 0, "\(idle.text)")
      let diff = try await shipit("secrets", "diff", "demo", "--detailed-exitcode")
      #expect(diff.code == 0 && diff.text.contains("kept there, and in no source"), "\(diff.text)")
      let listed = try await shipit("secrets", "list", "demo")
      #expect(listed.text.contains("the platforms of its services"), "\(listed.text)")
      #expect(try await stored().compactMap(\.self) == first)

      // A new one for all is a person's word, and a reason to deploy.
      let forced = try await shipit("secrets", "generate", "demo", "SESSION_KEY", "--yes", "--force")
      #expect(forced.code == 0, "\(forced.text)")
      let second = try await stored().compactMap(\.self)
      #expect(Set(second).count == 1 && second.first != first.first)
      let plan = try await shipit("plan", "demo")
      #expect(plan.text.contains("SESSION_KEY written since it was deployed"), "\(plan.text)")
      let rotated = try await shipit("secrets", "rotate", "demo", "SESSION_KEY")
      #expect(rotated.code == 2 && rotated.text.contains("--force"), "\(rotated.text)")
    }
  }

  @Test(arguments: [["generate"], ["rotate"], ["rotate", "--retire"]])
  func valuesAreMadeUnderTheLeaseAlone(_ words: [String]) async throws {
    let project = try await project("  sources: [{dotenv: .env.demo}, environment]\n")
    try acceptPrevious(project)
    let ledger = try await LocalLedger.open(root: project.path, environment: "demo", time: SystemClock())
    let holder = Holder(name: "ann@laptop", purpose: "deploy 1a2b3c4", process: getpid(), nonce: "n1")
    let lease = try await ledger.acquire(holder: holder)
    let command = ["secrets", words[0], "demo", "DEMO_API_KEY"] + words.dropFirst()
    let refused = try await project.shipit(command)
    #expect(refused.code == 5, "\(refused.text)")
    #expect(refused.text.contains("ann@laptop") && refused.text.contains("deploy 1a2b3c4"), "\(refused.text)")
    #expect(!FileManager.default.fileExists(atPath: project.path + "/.env.demo"))
    await ledger.release(lease)
    let free = try await project.shipit(command)
    #expect(free.code == (words == ["generate"] ? 0 : 2), "\(free.text)")
    #expect(try await ledger.holder() == nil, "the lease is given back")
  }

  @Test func theSameValueAsAnotherEnvironmentReleasedIsRefused() async throws {
    let project = try await project("  rules: {DEMO_API_KEY: {differs-from: [other]}}\n")
    let text = try project.scratch.read("project/environments/demo.yaml")
    try project.write(
      text.replacingOccurrences(of: "environment: demo\n", with: "environment: other\n").replacingOccurrences(
        of: "secrets:\n  rules: {DEMO_API_KEY: {differs-from: [other]}}\n", with: ""),
      to: "environments/other.yaml")
    try await project.commit("other")
    try await inTwin(project) { twin in
      // Nothing is known of it yet: that is said, and stops nobody.
      let unknown = try await project.shipit("plan", "demo", variables: twin.variables)
      #expect(unknown.code == 0, "\(unknown.text)")
      #expect(unknown.text.contains("not compared with those of other"), "\(unknown.text)")
      let other = try await project.shipit("deploy", "other", "--yes", variables: twin.variables)
      #expect(other.code == 0, "\(other.text)")
      let same = try await project.shipit("plan", "demo", variables: twin.variables)
      #expect(same.code == 2, "\(same.text)")
      #expect(same.text.contains("DEMO_API_KEY has the value that other was released with"), "\(same.text)")
      var variables = twin.variables
      variables["DEMO_API_KEY"] = "a-value-of-its-own"
      let own = try await project.shipit("plan", "demo", variables: variables)
      #expect(own.code == 0, "\(own.text)")
    }
  }

  @Test func whatCannotBeDoneIsSaidWithTheWayOn() async throws {
    let project = try await project("  sources: [environment]\n")
    let nowhere = try await project.shipit("secrets", "generate", "demo", "DEMO_API_KEY")
    #expect(nowhere.code == 2, "\(nowhere.text)")
    #expect(nowhere.text.contains("no secret source of demo can be written to"), "\(nowhere.text)")
    #expect(nowhere.text.contains("dotenv: .env.demo"), "\(nowhere.text)")
    for (arguments, words) in [
      (["secrets", "show", "demo"], "list, diff, sync, generate or rotate"),
      (["secrets", "generate", "demo"], "wants the name of a secret"),
      (["secrets", "generate", "demo", "API_KYE"], "uses no secret API_KYE"),
      (["secrets", "generate", "demo", "DEMO_API_KEY", "--kind", "words"], "hex, base64url"),
      (["secrets", "generate", "demo", "DEMO_API_KEY", "--length", "8"], "128 are the least"),
    ] {
      let result = try await project.shipit(arguments)
      #expect(result.code == 2 && result.text.contains(words), "\(arguments): \(result.text)")
    }
  }

  @Test func aRotationGoesThroughItsPhasesAndNeverLeavesNothingValid() async throws {
    let project = try await project("  sources: [{dotenv: .env.demo}, environment]\n")
    try await inTwin(project) { twin in
      var variables = twin.variables
      variables["DEMO_API_KEY"] = nil
      func shipit(_ arguments: String...) async throws -> ShipitResult {
        try await project.shipit(arguments, variables: variables)
      }
      func rotate(_ more: String...) async throws -> ShipitResult {
        try await project.shipit(["secrets", "rotate", "demo", "DEMO_API_KEY"] + more, variables: variables)
      }
      func stored() throws -> [String: String] {
        let text = try String(contentsOfFile: project.path + "/.env.demo", encoding: .utf8)
        return Dictionary(
          uniqueKeysWithValues: text.split(separator: "\n").map { line in
            let parts = line.split(separator: "=", maxSplits: 1)
            return (String(parts[0]), parts[1].trimmingCharacters(in: CharacterSet(charactersIn: "'\"")))
          })
      }
      #expect(try await shipit("secrets", "generate", "demo", "DEMO_API_KEY").code == 0)
      let alone = try await rotate()
      #expect(
        alone.code == 2 && alone.text.contains("DEMO_API_KEY_PREVIOUS: {secret: DEMO_API_KEY_PREVIOUS}"),
        "\(alone.text)")
      #expect(try await shipit("deploy", "demo", "--yes").code == 0)
      let first = try #require(try stored()["DEMO_API_KEY"])
      try project.change(
        "environments/demo.yaml", "      API_KEY: {secret: DEMO_API_KEY}",
        "      API_KEY: {secret: DEMO_API_KEY}\n      API_KEY_PREVIOUS: {secret: DEMO_API_KEY_PREVIOUS}")
      try await project.commit("accept both")

      let begun = try await rotate()
      #expect(begun.code == 0 && begun.text.contains("nothing runs with it yet"), "\(begun.text)")
      let both = try stored()
      #expect(both["DEMO_API_KEY_PREVIOUS"] == first && both["DEMO_API_KEY"] != first)
      // Asked again it goes on from where it stands, and makes no third value.
      let waits = try await rotate()
      #expect(waits.code == 0 && waits.text.contains("not released yet"), "\(waits.text)")
      let early = try await rotate("--retire")
      #expect(early.code == 12, "\(early.text)")
      #expect(try stored() == both)
      let deployed = try await shipit("deploy", "demo", "--yes")
      #expect(deployed.code == 0, "\(deployed.text)")
      let released = try await rotate()
      #expect(released.code == 0 && released.text.contains("accepted still"), "\(released.text)")

      // The release before knows the old value alone.
      let needed = try await rotate("--retire")
      #expect(needed.code == 12 && needed.text.contains("--force"), "\(needed.text)")
      try await project.commit("go on")
      #expect(try await shipit("deploy", "demo", "--yes").code == 0)
      let retired = try await rotate("--retire")
      #expect(retired.code == 0, "\(retired.text)")
      let last = try stored()
      #expect(
        last["DEMO_API_KEY"] == both["DEMO_API_KEY"] && last["DEMO_API_KEY_PREVIOUS"] == both["DEMO_API_KEY"])
      #expect(try await rotate().text.contains("not yet where it runs"))
      #expect(try await shipit("deploy", "demo", "--yes").code == 0)
      let idle = try await rotate("--retire")
      #expect(idle.code == 0 && idle.text.contains("no old value to retire"), "\(idle.text)")
      for result in [begun, waits, early, deployed, released, needed, retired, idle] {
        for value in [first, both["DEMO_API_KEY"] ?? first] { #expect(!result.text.contains(value)) }
      }
    }
  }
}
