import Foundation
import JSON
import Processes
import TestSupport
import Testing

/// One product over three platforms, and a person on call who has not every token.
@Suite(.timeLimit(.minutes(5))) struct OnCallTests {
  @Test func oneServiceIsLookedAtAndTakenBackWithItsOwnPlatformsTokenAlone() async throws {
    let project = try await GitProject.threePlatforms()
    let twin = try await TwinProcess.start(for: project, seed: project.seed)
    do {
      let all = twin.variables
      #expect(try await project.shipit("deploy", "demo", "--yes", variables: all).code == 0)
      let first = try await project.git("rev-parse", "HEAD")
      try project.change("app/server.py", "listens", "is listening")
      let second = try await project.commit("second")
      #expect(try await project.shipit("deploy", "demo", "--yes", variables: all).code == 0)

      var railway = all
      for name in ["VERCEL_TOKEN", "ENCORE_CLIENT_ID", "ENCORE_CLIENT_SECRET", "ENCORE_AUTH_KEY"] {
        railway[name] = nil
      }
      let status = try await project.shipit("status", "demo", variables: railway)
      #expect(status.code == 0, "\(status.text)")
      #expect(status.output.contains("! release 2") && status.output.contains("jobs and web is not known"))
      #expect(status.output.contains("cannot be resolved: VERCEL_TOKEN"), "\(status.output)")
      #expect(try await project.shipit("logs", "demo", "api", variables: railway).code == 0)

      // A whole rollback names all that is missing at once, before anything is asked.
      let refused = try await project.shipit("rollback", "demo", "--yes", variables: railway)
      #expect(refused.code == 2)
      for name in ["VERCEL_TOKEN", "ENCORE_CLIENT_ID", "ENCORE_CLIENT_SECRET"] {
        #expect(refused.errorOutput.contains(name), "\(refused.text)")
      }
      let two = try await project.shipit(
        "rollback", "demo", "--only", "web", "--only", "jobs", "--yes", variables: railway)
      #expect(two.code == 2 && two.text.contains("VERCEL_TOKEN") && two.text.contains("ENCORE_CLIENT_ID"))
      #expect(!two.text.contains("RAILWAY_API_TOKEN"))

      let back = try await project.shipit("rollback", "demo", "--only", "api", "--yes", variables: railway)
      #expect(back.code == 0, "\(back.text)")
      #expect(back.text.contains("api runs release 2, and this is the good one before it"), "\(back.text)")
      #expect(back.text.contains("= web  "), "\(back.text)")
      let after = try await served(project, all)
      #expect(after["api"] == first && after["jobs"] == second && after["web"] == second, "\(after)")

      // The rest follows; what is there already is left alone.
      let whole = try await project.shipit("rollback", "demo", "--yes", variables: all)
      #expect(whole.code == 0, "\(whole.text)")
      #expect(whole.text.contains("= api") && whole.text.contains("already"), "\(whole.text)")
      #expect(!whole.text.contains("roll back api"))
      let end = try await served(project, all)
      #expect(end.values.allSatisfy { $0 == first }, "\(end)")

      // Each missing secret is told once.
      let doctor = try await project.shipit("doctor", "demo", variables: railway)
      #expect(doctor.code == 2)
      #expect(doctor.output.components(separatedBy: "VERCEL_TOKEN is not set").count == 2, "\(doctor.output)")
      #expect(doctor.output.contains("not asked: a secret of its account is missing"))
    } catch {
      await twin.stop()
      throw error
    }
    await twin.stop()
  }

  /// The commit that each service serves.
  private func served(_ project: GitProject, _ variables: [String: String]) async throws -> [String: String] {
    let status = try await project.shipit("status", "demo", "--json", variables: variables)
    var commits: [String: String] = [:]
    for service in try JSON(parsing: Array(status.output.utf8))["services"]?.array ?? [] {
      #expect(service["live"]?["matches"] == true, "\(service.serialized())")
      if let name = service["service"]?.string { commits[name] = service["commit"]?.string }
    }
    return commits
  }

  @Test func aKeyThatIsLearnedDuringARunIsPrintedAndRecordedNowhere() async throws {
    let key = "k3yThatPassesTheProtection0123456"
    let project = try await GitProject.threePlatforms()
    let seed = project.seed
    var text = try String(contentsOfFile: seed, encoding: .utf8)
    text = text.replacingOccurrences(
      of: #"{"name": "web", "team": "demo"}"#,
      with: #"{"name": "web", "team": "demo", "protection": "standard", "bypass": ["\#(key)"]}"#)
    #expect(text.contains(key))
    try text.write(toFile: seed, atomically: true, encoding: .utf8)
    // The page betrays it in an answer that an error repeats.
    try project.change("web/build.py", "\"status\": \"ok\"", "\"status\": \"\(key)\"")
    try project.change(
      "environments/demo.yaml", "health: {path: /version.json, identity: vercel,",
      "health: {path: /version.json, identity: {json: nothing},")
    try await project.commit("betray")
    let twin = try await TwinProcess.start(for: project, seed: seed)
    do {
      let deploy = try await project.shipit("deploy", "demo", "--yes", variables: twin.variables)
      #expect(deploy.code != 0)
      #expect(deploy.text.contains("without a revision"), "\(deploy.text)")
      #expect(!deploy.text.contains(key), "\(deploy.text)")
      let why = try await project.shipit("why", "demo", variables: twin.variables)
      #expect(why.text.contains("without a revision") && !why.text.contains(key), "\(why.text)")
    } catch {
      await twin.stop()
      throw error
    }
    await twin.stop()
  }
}
